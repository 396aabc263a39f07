"""Checks that the keys of a list of cells are those that are published, or publishes what they are now.

Results of long studies hang on keys. Two things may change one: the number ``HARNESS``, on purpose, for all cells; and
the source of a plug-in, for the cells that use it. So what is published is the keys with every source replaced by the
name of its file, which only ``HARNESS`` may change, and the hash of each source, of which a change is told apart.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench import source, zoo
from bench.catalogue.kinds import KINDS
from bench.domain import clear_identities
from bench.sweep.cell import HARNESS
from bench.sweep.config import load_config
from bench.sweep.plan import make_plan

Published = Mapping[str, Any]

PUBLISHED = Path(__file__).parents[1] / "results" / "reference" / "keys.json"
COMMAND = ".ci/freeze_keys.py --write"
KINDS_IN_KEYS = ("fusions", "backbones", "domains")
ONE = {"fusion": "abs_diff", "seed": "0"}
# All kinds of fusions, backbones, domains, shifts, protocols, warm-ups, objectives, sizes and recipes.
CONFIGURATIONS: tuple[Mapping[str, Any], ...] = (
    {"fusion": "all", "seed": "0..1", "eval": "all"},
    {"fusion": "all", "protocol": "frozen", "seed": "0"},
    {"fusion": "all", "protocol": "scratch", "domain": "texture", "seed": "0"},
    {**ONE, "backbone": "all,timm:resnet10t", "domain": "all", "eval": "companions"},
    {**ONE, "domain": "color,texture", "domain_params": {"difficulty": "hard"}},
    {**ONE, "domain": "shapes:k=4,digits:held_out=3,color:shift=blur", "eval": "novel,blur*"},
    *({**ONE, "warmup": warmup} for warmup in ("centre", "autoencoder", "jigsaw:grid=3", "rotation", "supcon", "none")),
    {"fusion": "film:stage=1,mutan:rank=8,abs_diff:head=64,concat:symmetrize=true,rbf:tau=2", "seed": "7"},
    {"fusion": "abs_diff,mutan,cross_attention", "match_params": "5%:60000", "seed": "0"},
    {
        **ONE,
        "recipe": {"objective": "bce+0.1*triplet", "auxiliary": {"centre": 1}, "lr": 0.001, "precision": "bfloat16"},
    },
    {**ONE, "warmup_recipe": {"images": 5120}, "warmup_seed": 2, "test_pairs": 100},
)


def keys() -> dict[str, str]:
    """The key of every cell by configuration and cell, with the name of a file in place of its content."""
    clear_identities()
    with patch.object(source, "_read_source", lambda path, modified, size: (path.name.encode(), ())):
        found = dict(_keys())
    clear_identities()
    return found


def _keys() -> Iterator[tuple[str, str]]:
    for number, configuration in enumerate(CONFIGURATIONS):
        for planned in make_plan(load_config(configuration), {}).cells:
            yield f"{number}: {planned.cell}", planned.key


def sources() -> dict[str, str]:
    """Hash of the source of every built-in fusion, backbone and domain."""
    registries = [KINDS[kind].registry for kind in KINDS_IN_KEYS]
    return {
        f"{registry.kind} {name}": source.source_hash(registry.get(name))
        for registry in registries
        for name in registry
    }


def silent_changes(published: Published, now: Published) -> list[str]:
    """One line for every key that is not the published one although ``HARNESS`` is."""
    if not published or published["harness"] != now["harness"]:
        return []
    pairs = [(cell, key, now["keys"].get(cell)) for cell, key in published["keys"].items()]
    return [
        f"{cell}: the key is {new or 'gone'}, published is {old}, and HARNESS is still {now['harness']}: stored "
        "results would not be found; undo it, or raise HARNESS in bench/sweep/cell.py where their numbers do not hold"
        for cell, old, new in pairs
        if old != new
    ]


def out_of_date(published: Published, now: Published) -> list[str]:
    """One line for all else that is not as published: new cells, sources, another ``HARNESS``."""
    known = published or {"harness": None, "keys": {}, "sources": {}}
    lines = [f"{cell}: not published yet; run {COMMAND}" for cell in now["keys"].keys() - known["keys"].keys()]
    changed = [name for name, found in now["sources"].items() if known["sources"].get(name) != found]
    lines += [f"{name}: the source changed, so its cells will run again; run {COMMAND}" for name in changed]
    lines += [f"{name}: gone; run {COMMAND}" for name in known["sources"].keys() - now["sources"].keys()]
    if known["harness"] != now["harness"]:
        lines.append(f"HARNESS is {now['harness']}, published is {known['harness']}; run {COMMAND}")
    return sorted(lines)


def main(arguments: list[str] | None = None) -> int:
    """Print each difference; return 1 where there is one, or where writing was refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="print each difference from the published keys")
    action.add_argument("--write", action="store_true", help="publish, unless a key changed under the same HARNESS")
    parser.add_argument("--file", type=Path, default=PUBLISHED, help="where the keys are published")
    options = parser.parse_args(arguments)
    zoo.load()
    published = json.loads(options.file.read_text()) if options.file.exists() else {}
    now = {"harness": HARNESS, "keys": keys(), "sources": sources()}
    lines = silent_changes(published, now)
    if options.write and not lines:
        options.file.write_text(json.dumps(now, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    elif options.check:
        lines += out_of_date(published, now)
    print("\n".join(lines) or f"{len(now['keys'])} keys: as published in {options.file.name}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
