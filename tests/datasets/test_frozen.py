"""Published test sets: they are what the domains draw, whatever the threads, the pieces and the process."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch

from bench import zoo
from bench.domain import Images, Pairs, Strata, build_domain

ROOT = Path(__file__).parents[2]


def _script() -> ModuleType:
    where = importlib.util.spec_from_file_location("freeze_test_sets", ROOT / ".ci" / "freeze_test_sets.py")
    assert where is not None
    assert where.loader is not None
    script = importlib.util.module_from_spec(where)
    where.loader.exec_module(script)
    return script


zoo.load()
frozen = _script()
Entry, content_hash, freeze = frozen.Entry, frozen.content_hash, frozen.freeze
out_of_date, publish, read_entries = frozen.out_of_date, frozen.publish, frozen.read_entries
silent_changes = frozen.silent_changes
PUBLISHED = ROOT / "results" / "reference" / "test-sets.json"
# Together they use every source of pixels: plain and textured fills, noise, convolutions, bars, other shapes.
FAST = (
    "color",
    "texture",
    "digits",
    "color:difficulty=hard",
    "color:shift=occlusion",
    "color:shift=blur",
    "texture:shift=cue_conflict",
    "texture:shift=shot_noise",
)
PAIRS, FEW = 200, 40
ENTRY = Entry(version=1, pairs=4, sha256="aa")


def joined(parts: list[Pairs]) -> Pairs:
    def images(side: str) -> Images:
        sides: list[Images] = [getattr(part, side) for part in parts]
        latents = {name: torch.cat([one.latents[name] for one in sides]) for name in sides[0].latents}
        return Images(torch.cat([one.pixels for one in sides]), latents)

    strata = [part.strata for part in parts if part.strata is not None]
    found = Strata(strata[0].names, torch.cat([one.index for one in strata])) if strata else None
    return Pairs(images("a"), images("b"), torch.cat([part.label for part in parts]), found)


@contextmanager
def threads(n: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def test_every_test_set_is_published_and_nothing_else() -> None:
    published, drawn = read_entries(PUBLISHED), frozen.test_sets()
    assert set(published) == set(drawn) | set(frozen.not_installed(published, drawn))
    assert {"color", "texture:difficulty=easy", "color:shift=greyscale", "digits"} <= set(published)
    assert not any(name.startswith(("folder", "cifar10")) for name in published)
    assert len({entry["sha256"] for entry in published.values()}) == len(published)


@pytest.mark.parametrize("name", FAST)
def test_test_sets_do_not_depend_on_threads_or_pieces(name: str) -> None:
    domain = build_domain(name)
    with threads(2):
        few = domain.draw("test", 0, 80)
    assert content_hash(few) == content_hash(domain.draw("test", 0, 80))
    for size in (1, 64, 150):
        last = min(PAIRS, 3 * size)
        pieces = [domain.draw("test", 0, min(size, last - start), start) for start in range(0, last, size)]
        assert content_hash(joined(pieces)) == content_hash(domain.draw("test", 0, last))


def test_test_sets_do_not_depend_on_the_process() -> None:
    code = (
        "import json, sys; from bench import zoo; zoo.load();"
        "import runpy; freeze = runpy.run_path('.ci/freeze_test_sets.py')['freeze'];"
        f"print(json.dumps({{name: freeze(name, {FEW}) for name in sys.argv[1:]}}))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1"}
    printed = subprocess.check_output([sys.executable, "-c", code, *FAST], text=True, cwd=ROOT, env=environment)
    assert json.loads(printed) == {name: freeze(name, FEW) for name in FAST}


def test_any_pixel_label_stratum_or_whole_latent_changes_the_hash() -> None:
    pairs = build_domain("color:shift=occlusion").draw("test", 0, 20)
    assert pairs.strata is not None
    pixels = pairs.b.pixels.clone()
    pixels[-1, 2, 31, 31] += 1
    mask = pairs.a.latents["mask"].clone()
    mask[7, 0, 0] += 1
    others = [
        replace(pairs, b=replace(pairs.b, pixels=pixels)),
        replace(pairs, a=replace(pairs.a, latents={**pairs.a.latents, "mask": mask})),
        replace(pairs, label=1 - pairs.label),
        replace(pairs, strata=replace(pairs.strata, index=pairs.strata.index.flip(0))),
        replace(pairs, strata=replace(pairs.strata, names=("a", "b", "c"))),
        replace(pairs, a=pairs.b, b=pairs.a),
    ]
    assert len({content_hash(other) for other in [pairs, *others]}) == 1 + len(others)


def test_neither_the_order_of_latents_nor_the_last_bit_of_a_radius_changes_the_hash() -> None:
    pairs = build_domain("color").draw("test", 0, 20)
    latents = dict(reversed(pairs.a.latents.items()))
    latents["radius"] = torch.nextafter(latents["radius"], torch.tensor(100.0))
    assert content_hash(replace(pairs, a=replace(pairs.a, latents=latents))) == content_hash(pairs)


def test_a_silent_change_is_named_and_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "reference" / "test-sets.json"
    assert publish(file, {"color": ENTRY}) == []
    before = file.read_text()
    (line,) = publish(file, {"color": {**ENTRY, "sha256": "bb"}, "new": ENTRY})
    assert line.startswith("color: content differs but version is still 1; raise Domain.version and run .ci/")
    assert file.read_text() == before


def test_a_set_that_is_rounded_otherwise_elsewhere_has_two_hashes_and_keeps_both(tmp_path: Path) -> None:
    file = tmp_path / "test-sets.json"
    both = Entry(version=1, pairs=4, sha256="aa", rounded_otherwise="bb")
    file.write_text(json.dumps({"color": both}))
    for sha in ("aa", "bb"):
        here = {"color": Entry(version=1, pairs=4, sha256=sha)}
        assert silent_changes(read_entries(file), here) == out_of_date(read_entries(file), here) == []
        assert publish(file, here) == []
        assert read_entries(file) == {"color": both}
    assert len(publish(file, {"color": Entry(version=1, pairs=4, sha256="cc")})) == 1


def test_a_raised_version_and_new_and_gone_test_sets_are_published(tmp_path: Path) -> None:
    file = tmp_path / "test-sets.json"
    publish(file, {"color": ENTRY, "gone": ENTRY})
    now = {"color": Entry(version=2, pairs=4, sha256="bb"), "new": ENTRY}
    color, gone, new = out_of_date(read_entries(file), now)
    assert "color: version is 2, published is 1" in color
    assert "gone: published, but" in gone
    assert "new: not published yet" in new
    assert publish(file, now) == []
    assert read_entries(file) == now
    assert out_of_date(now, now) == silent_changes(now, now) == []


def test_a_test_set_whose_packages_are_missing_stays_published(tmp_path: Path) -> None:
    file = tmp_path / "test-sets.json"
    publish(file, {"color": ENTRY, "emoji": ENTRY})
    assert frozen.not_installed(read_entries(file), {}) == ["emoji"]
    assert not out_of_date(read_entries(file), {"color": ENTRY}, missing=["emoji"])
    assert publish(file, {"color": ENTRY}) == []
    assert set(read_entries(file)) == {"color", "emoji"}


def test_the_script_checks_and_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = _script()
    monkeypatch.setattr(script, "test_sets", lambda: {"color": 16})
    file = tmp_path / "test-sets.json"
    assert script.main(["--check", "--file", str(file)]) == 1
    assert "color: not published yet" in capsys.readouterr().out
    assert script.main(["--write", "--file", str(file)]) == 0
    assert script.main(["--check", "--file", str(file)]) == 0
    assert "1 test sets: as published" in capsys.readouterr().out
    file.write_text(json.dumps({"color": {**read_entries(file)["color"], "sha256": "00"}}))
    assert script.main(["--check", "--file", str(file)]) == 1
    assert script.main(["--write", "--file", str(file)]) == 1
    assert capsys.readouterr().out.count("color: content differs but version is still 1") == 2
