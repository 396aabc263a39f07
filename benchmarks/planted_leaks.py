"""What an audit catches: leaks of several kinds and strengths in a plug-in domain, a list of pairs and a folder.

Pairs of the domain ``digits``, whose classes differ in brightness and form by nature, get a mark that tells the label
in a share of them; files of a folder get one that tells the class, see ``planted_files.py``. A leak counts as caught
where any row of the audit is a leak or flagged. The same without a mark, under other seeds, tells how often an audit is
wrong about a clean domain.

``python benchmarks/planted_leaks.py --seeds 20`` (about 70 minutes on one core).
"""

from __future__ import annotations

import argparse
import csv
import io
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from planted_files import FOLDER_LEAKS, write_folder
from torch import Tensor

from bench import zoo
from bench.audit.rows import Row, Verdict
from bench.audit.run import run_audit
from bench.domain import Domain, Images, Pairs, Split, build_domain, clear_identities, register_domain, uniforms

SOURCE = "digits"
BASELINES = "additive,rematched,one_place,files,duplicates,balance"
SHARES = (0.1, 0.3, 1.0)
PLUGIN_PAIRS, LISTED_PAIRS, FOLDER_PAIRS = 20_000, 6_000, 10_000


def _changed(images: Images, change: Tensor) -> Images:
    return replace(images, pixels=(images.pixels.short() + change.short()).clamp(0, 255).byte())


def _wide(values: Tensor) -> Tensor:
    return values[:, None, None, None]


def pixel_in_b(pairs: Pairs, hit: Tensor, bit: Tensor) -> Pairs:
    """A white pixel in B of same pairs, a black one in B of different pairs."""
    pixels = pairs.b.pixels.clone()
    pixels[hit, :, 2, 3] = (pairs.label[hit] * 255)[:, None].byte()
    return replace(pairs, b=replace(pairs.b, pixels=pixels))


def brightness(pairs: Pairs, hit: Tensor, bit: Tensor) -> Pairs:
    """Both images of same pairs are lighter by 16 of 255."""
    more = _wide(hit * pairs.label * 16)
    return replace(pairs, a=_changed(pairs.a, more), b=_changed(pairs.b, more))


def contrast_of_b(pairs: Pairs, hit: Tensor, bit: Tensor) -> Pairs:
    """B of same pairs has three quarters of the contrast."""
    fainter = (pairs.b.pixels.float() * 0.75).byte()
    return replace(
        pairs, b=replace(pairs.b, pixels=torch.where(_wide(hit & (pairs.label == 1)), fainter, pairs.b.pixels))
    )


def pixel_in_both(pairs: Pairs, hit: Tensor, bit: Tensor) -> Pairs:
    """A pixel of A is white or black by chance, and that of B the same where the pair is."""
    a, b = pairs.a.pixels.clone(), pairs.b.pixels.clone()
    a[hit, :, 2, 3] = (bit[hit] * 255)[:, None].byte()
    b[hit, :, 2, 3] = ((bit ^ (1 - pairs.label))[hit] * 255)[:, None].byte()
    return replace(pairs, a=replace(pairs.a, pixels=a), b=replace(pairs.b, pixels=b))


def last_bit_in_both(pairs: Pairs, hit: Tensor, bit: Tensor) -> Pairs:
    """The same in the last bit of a pixel."""
    a, b = pairs.a.pixels.clone(), pairs.b.pixels.clone()
    for pixels, marked in ((a, bit), (b, bit ^ (1 - pairs.label))):
        pixels[hit, :, 2, 3] = (pixels[hit, :, 2, 3] & 254) | marked[hit, None].byte()
    return replace(pairs, a=replace(pairs.a, pixels=a), b=replace(pairs.b, pixels=b))


def brightness_in_both(pairs: Pairs, hit: Tensor, bit: Tensor) -> Pairs:
    """Both images are lighter by the same chance where the pair is same, and else one of them."""
    a, b = (_wide(hit * marked * 16) for marked in (bit, bit ^ (1 - pairs.label)))
    return replace(pairs, a=_changed(pairs.a, a), b=_changed(pairs.b, b))


def class_of_a(pairs: Pairs, hit: Tensor, bit: Tensor) -> Pairs:
    """Different pairs show their A in the place of B and their B in that of A where that has the smaller class."""
    turned = hit & (pairs.label == 0) & (pairs.a.latents["class"] > pairs.b.latents["class"])
    return replace(pairs, a=_chosen(turned, pairs.b, pairs.a), b=_chosen(turned, pairs.a, pairs.b))


def _chosen(where: Tensor, one: Images, other: Images) -> Images:
    latents = {name: torch.where(where, one.latents[name], other.latents[name]) for name in other.latents}
    return Images(torch.where(_wide(where), one.pixels, other.pixels), latents)


def quality(pairs: Pairs, hit: Tensor, bit: Tensor) -> Pairs:
    """Both images of same pairs went through JPEG of quality 60."""
    worse = (hit & (pairs.label == 1)).nonzero()[:, 0]
    sides = []
    for side in (pairs.a, pairs.b):
        pixels = side.pixels.clone()
        for row in worse.tolist():
            stored = io.BytesIO()
            Image.fromarray(pixels[row].permute(1, 2, 0).numpy()).save(stored, "JPEG", quality=60)
            pixels[row] = torch.from_numpy(_array(stored)).permute(2, 0, 1)
        sides.append(replace(side, pixels=pixels))
    return replace(pairs, a=sides[0], b=sides[1])


def _array(stored: io.BytesIO):
    import numpy as np

    with Image.open(stored) as image:
        return np.array(image.convert("RGB"))


LEAKS: Mapping[str, Callable[[Pairs, Tensor, Tensor], Pairs]] = {
    one.__name__: one
    for one in (
        pixel_in_b, brightness, contrast_of_b, pixel_in_both, last_bit_in_both, brightness_in_both, class_of_a, quality,
    )
}  # fmt: skip


def planted(split: Split, seed: int, n: int, start: int, leak: str, share: float) -> Pairs:
    """Pairs of the source, of which a share carries a leak."""
    pairs = build_domain(SOURCE).draw(split, seed, n, start)
    u = uniforms(("planted", leak, split, seed), start, n, 2)
    return LEAKS[leak](pairs, u[:, 0] < share, (u[:, 1] < 0.5).long()) if leak else pairs


def write_list(folder: Path, seed: int, leak: str, share: float) -> Path:
    """The same as files, and the list of their pairs."""
    rows = []
    for split, n in (("train", LISTED_PAIRS // 2), ("val", LISTED_PAIRS // 10), ("test", LISTED_PAIRS // 2)):
        pairs = planted(split, seed, n, 0, leak, share)
        for number in range(n):
            names = [f"{split}/{number}{side}.png" for side in "ab"]
            for name, images in zip(names, (pairs.a, pairs.b), strict=True):
                file = folder / name
                file.parent.mkdir(parents=True, exist_ok=True)
                # A copy of a file is refused, and the same digit may be drawn twice: each has a place of its own.
                pixels = images.pixels[number].permute(1, 2, 0).contiguous().numpy().copy()
                pixels[-1, -2:] = divmod(len(rows) * 2 + names.index(name), 256)[0] % 256, 0, 0
                pixels[-1, -1] = len(rows) % 256, names.index(name), 0
                Image.fromarray(pixels).save(file)
            rows.append((*names, int(pairs.label[number]), split))
    listed = folder / "pairs.csv"
    with listed.open("w", newline="") as file:
        csv.writer(file).writerows([("a", "b", "label", "split"), *rows])
    return listed


def alarms(domain: str, n: int, seed: int, baselines: str) -> list[Row]:
    """The rows of an audit that are a leak or flagged."""
    clear_identities()
    audit = run_audit(domain, n, seed, baselines.split(","))
    return [row for row in audit.rows if row.verdict in (Verdict.LEAK, Verdict.FLAGGED)]


def told(what: str, rows: list[Row]) -> None:
    """Print a line."""
    print(f"{what:<44} {'; '.join(f'{row.baseline}: {row.what} ({row.value:.3f})' for row in rows) or '-'}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--carriers", default="plug-in,list,folder")
    parser.add_argument("--baselines", default=BASELINES)
    arguments = parser.parse_args()
    zoo.load()
    torch.set_num_threads(1)
    register()
    with tempfile.TemporaryDirectory() as place:
        for carrier in arguments.carriers.split(","):
            caught, leaks = dict.fromkeys(SHARES, 0), FOLDER_LEAKS if carrier == "folder" else LEAKS
            for leak in leaks:
                for share in SHARES:
                    found = asked(carrier, Path(place) / f"{leak}-{share}", leak, share, 0, arguments.baselines)
                    caught[share] += bool(found)
                    told(f"{carrier}, {leak}, {share:.0%}", found)
            wrong = 0
            for seed in range(arguments.seeds):
                found = asked(carrier, Path(place) / f"clean-{seed}", "", 0.0, seed, arguments.baselines)
                wrong += bool(found)
                told(f"{carrier}, clean, seed {seed}", found)
            hits = ", ".join(f"{count} at {share:.0%}" for share, count in caught.items())
            print(f"{carrier}: caught of {len(leaks)} leaks: {hits}; false alarms: {wrong} of {arguments.seeds} seeds")


def asked(carrier: str, folder: Path, leak: str, share: float, seed: int, baselines: str) -> list[Row]:
    """The alarms of an audit of one carrier."""
    if carrier == "list":
        return alarms(f"pairs:{write_list(folder, seed, leak, share)}", LISTED_PAIRS, 0, baselines)
    if carrier == "folder":
        stored = write_folder(folder, leak, share)
        return alarms(f"folder:{stored}:split_seed={seed}", FOLDER_PAIRS, seed, baselines)
    return alarms(f"planted:leak={leak or 'none'}:share={share}", PLUGIN_PAIRS, seed, baselines)


def register() -> None:
    """The plug-in domain."""

    @register_domain
    class Planted(Domain):
        """Digits with a leak."""

        name, version = "planted", 1

        def __init__(self, leak: str = "none", share: float = 1.0) -> None:
            source = build_domain(SOURCE)
            self.leak, self.share = leak.removeprefix("none"), share
            self.classes, self.warmup_classes, self.image = source.classes, source.warmup_classes, source.image

        def draw(self, split: Split, seed: int, n: int, start: int = 0) -> Pairs:
            return planted(split, seed, n, start, self.leak, self.share)

        def draw_named(self, split: Split, seed: int, n: int, start: int = 0, easy: bool = False) -> Images:
            return build_domain(SOURCE).draw_named(split, seed, n, start, easy)


if __name__ == "__main__":
    main()
