"""What an audit catches: leaks of several kinds and strengths in a plug-in domain, a list of pairs and a folder.

Pairs of the domain ``digits``, whose classes differ in brightness and form by nature, get a mark that tells the label
in a share of them; files of a folder get one that tells the class, see ``planted_files.py``. A leak counts as caught
where any row of the audit is a leak or flagged. The same without a mark, under other seeds, tells how often an audit is
wrong about a clean domain.

``python benchmarks/planted_leaks.py --seeds 20`` (132 audits, about 70 minutes on one core). With ``--kept FILE``
every audit is a line there as soon as it is done, and is not run again: an interrupted benchmark goes on, and
``--carriers`` may be run one by one.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from planted_files import FOLDER_LEAKS, write_folder
from torch import Tensor

from bench import zoo
from bench.audit.rows import Verdict
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


def alarms(domain: str, n: int, seed: int, baselines: str) -> str:
    """The rows of an audit that are a leak or flagged, as a text; empty where there are none."""
    clear_identities()
    rows = run_audit(domain, n, seed, baselines.split(",")).rows
    found = [row for row in rows if row.verdict in (Verdict.LEAK, Verdict.FLAGGED)]
    return "; ".join(f"{row.baseline}: {row.what} ({row.value:.3f})" for row in found)


class Findings:
    """Alarms by what was audited, printed and, where ``file`` is given, kept there as JSON lines."""

    def __init__(self, file: Path | None, baselines: str) -> None:
        self._file, self._baselines = file, baselines
        lines = file.read_text().splitlines() if file and file.exists() else []
        self._known = {tuple(asked): found for *asked, found in map(json.loads, lines)}

    def of(self, place: Path, carrier: str, leak: str, share: float, seed: int) -> str:
        """The alarms of one audit, which is run where it is not known."""
        asked = (carrier, leak, share, seed, self._baselines)
        if asked not in self._known:
            with tempfile.TemporaryDirectory(dir=place) as folder:
                self._known[asked] = audited(carrier, Path(folder), leak, share, seed, self._baselines)
            if self._file:
                with self._file.open("a") as file:
                    file.write(json.dumps([*asked, self._known[asked]]) + "\n")
        what = f"{carrier}, {leak}, {share:.0%}" if leak else f"{carrier}, clean, seed {seed}"
        print(f"{what:<44} {self._known[asked] or '-'}", flush=True)
        return self._known[asked]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--carriers", default="plug-in,list,folder")
    parser.add_argument("--baselines", default=BASELINES)
    parser.add_argument("--kept", type=Path, help="a file of what was found, so that nothing is audited twice")
    options = parser.parse_args()
    zoo.load()
    torch.set_num_threads(1)
    register()
    findings = Findings(options.kept, options.baselines)
    with tempfile.TemporaryDirectory() as place:
        for carrier in options.carriers.split(","):
            print(summary(findings, Path(place), carrier, options.seeds), flush=True)


def summary(findings: Findings, place: Path, carrier: str, seeds: int) -> str:
    """Audits of one carrier, each of which is printed, and a line of how many were right."""
    leaks = FOLDER_LEAKS if carrier == "folder" else LEAKS
    caught = {share: sum(bool(findings.of(place, carrier, leak, share, 0)) for leak in leaks) for share in SHARES}
    wrong = sum(bool(findings.of(place, carrier, "", 0.0, seed)) for seed in range(seeds))
    hits = ", ".join(f"{count} at {share:.0%}" for share, count in caught.items())
    return f"{carrier}: caught of {len(leaks)} leaks: {hits}; false alarms: {wrong} of {seeds} clean seeds"


def audited(carrier: str, folder: Path, leak: str, share: float, seed: int, baselines: str) -> str:
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
