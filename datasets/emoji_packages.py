"""The packages of the domain ``emoji``: eight sets of drawings that Iconify collects, and Unicode's list of emoji."""

from __future__ import annotations

from bench.packages import Package

FILES = ("icons.json", "chars.json", "info.json")


def _set(name: str, version: str, licence: str, author: str, home: str, size: int, sha512: str, digest: str) -> Package:
    integrity = f"sha512-{sha512}"
    return Package(f"@iconify-json/{name}", version, "npm", licence, size, integrity, FILES, digest, author, home)


# By the name of the set; order counts, as latents hold places in it.
SETS = {
    "noto": _set(
        "noto",
        "1.2.9",
        "Apache-2.0",
        "Google Inc",
        "https://github.com/googlefonts/noto-emoji",
        3102958,
        "DQiuXENbun41ch+XPSV55H9FaWKpHTyz46YIKtSaKYD4fIDDzL1tR6H4np/T38jfrTAeI3rcKF0mqHYeZVAuaw==",
        "1340a044e5c5aebf17f8d1d328d8425dafc803a1d815b410546ab77c21622220",
    ),
    "noto-v1": _set(
        "noto-v1",
        "1.2.5",
        "Apache-2.0",
        "Google Inc",
        "https://github.com/googlefonts/noto-emoji",
        1587591,
        "/DsVMius69Q0fRS53z7QK1TROSuar606jiIx+laXtdsYGMXpf6LtHBx6CGfoo3UHHb/XpBsw+1L1x3eyPqMuVA==",
        "51e44be3b7ef9b6af2cfc511ea2f396742e55d730655c25d14fe08eb0c919c7c",
    ),
    "twemoji": _set(
        "twemoji",
        "1.2.5",
        "CC-BY-4.0",
        "Twitter, Inc and other contributors",
        "https://github.com/jdecked/twemoji",
        1555888,
        "uKpuIEV0v6K5BW3Mjdyl+XKFVAbbcPxAgifKvEMtZoUZB5+YiY5zaMm2uNNCxyXzAWU9yNLlj41WU6/mvgALsw==",
        "acb163945894f59fb9fc828accac0aa50eb8f711ed3f5487badce37884200f3d",
    ),
    "openmoji": _set(
        "openmoji",
        "1.2.29",
        "CC-BY-SA-4.0",
        "OpenMoji, HfG Schwäbisch Gmünd",
        "https://github.com/hfg-gmuend/openmoji",
        1264633,
        "vXdhkqcXVSO6suy+m9LbcUM3OdVyuNOtpV8/als/WqfkQIRxevL5Geb/g+6GH/Qwnq1OqksEmaDGTCmZ5nFKJQ==",
        "ec144709085561a9f16a75a1f1b956da5527d803b874449174512870cc7f7612",
    ),
    "fluent-emoji-flat": _set(
        "fluent-emoji-flat",
        "1.2.6",
        "MIT",
        "Microsoft Corporation",
        "https://github.com/microsoft/fluentui-emoji",
        1172438,
        "RY47RgPb47fYUiyrA64sIOL0+UU02s29sXpNBbIQRBUlPlfNFTKUmZDERGuxDs/7yNGWqQYvuaSYM1M4fRXlUw==",
        "0531e596af4163d582a67e35d5e6c3d6460fdf3b1b4791e0ea2480ca5175d878",
    ),
    "emojione": _set(
        "emojione",
        "1.2.3",
        "CC-BY-4.0",
        "Emoji One",
        "https://github.com/EmojiTwo/emojitwo",
        687690,
        "T9+T3HIbJNLKKsmxYKlaYhvnHYkz/HNYTV7SHCXVZPfeUi4FqskY70YeN8yYAZT8cCv7w5vJxS4Q1m8zb9CMMg==",
        "6c621145ca8bbe1946309c08b9dbc4bcd9e0468fee0e4c31d96b43f0813f9073",
    ),
    "emojione-v1": _set(
        "emojione-v1",
        "1.2.3",
        "CC-BY-SA-4.0",
        "Emoji One",
        "https://github.com/joypixels/emojione-legacy",
        3704153,
        "UjI2VQEXVtGlPBvQuxEizro7QCgBcJDOYwKUupquvvZ8UV4xOlvm45IU82JYWegiAWLerY79gFLMZ26U6Ms+ww==",
        "6fbafccfceb987eede19f7625e91e82dc6de6e4398943ab309b8aefbfa15fc11",
    ),
    "fxemoji": _set(
        "fxemoji",
        "1.2.2",
        "Apache-2.0",
        "Mozilla",
        "https://github.com/mozilla/fxemoji",
        1034876,
        "UAasRaxzFUKfIGSmLwnoarsssA4LX0VLLuEmplIqM6ZNQqIQRtav8tZ4H1neTlBreXuMQyAifr5jP4kn78DpiQ==",
        "2e7078c314f24b6165f153522d87a37502b9968ddb329364dedc551f40761d19",
    ),
}
# Sets by one hand: the two images of a pair never come from one family.
FAMILIES = {
    "noto": ("noto", "noto-v1"),
    "twemoji": ("twemoji",),
    "openmoji": ("openmoji",),
    "fluent": ("fluent-emoji-flat",),
    "emojione": ("emojione", "emojione-v1"),
    "fxemoji": ("fxemoji",),
}
# Names, groups and subgroups of all emoji of Unicode 16.
UNICODE = Package(
    "emoji.json",
    "16.0.0",
    "npm",
    "MIT",
    71699,
    "sha512-OWFSIAA5ZY2D7KTPxnS/oZTk5cs4ZE4+w/bHkpS+t6hj4AUwDH0okBGuffvsli6WMIimfgxb8ofadPC+UR+glw==",
    ("emoji.json",),
    "a7767398f47262b45938676600858dd85ba931da33c28ac009201d528b838173",
    "Amio",
    "https://github.com/amio/emoji.json",
)
PACKAGES = (*SETS.values(), UNICODE)
