"""Images of a user: damaged files, names of any bytes, tables and lists of pairs that lie."""

from __future__ import annotations

import io
import itertools
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from PIL import Image

pytestmark = pytest.mark.faults

CLASSES, FILES = ("cat", "dog", "eel"), 6
NAMES = [
    b"caf\xe9",
    b"two\nlines",
    b"\x1b[31mred",
    b"a,b",
    b"a:b=1",
    b"=cmd()",
    b"<script>",
    b"x" * 200,
    b" ",
    b"%s",
    "\u202e".encode(),
]
ROWS = [
    "",
    ",",
    "no.png,cat,g",
    "../../../etc/passwd,cat,g",
    "a.png",
    "/dev/zero,cat,g",
    '"',
    "a.png,=cmd(),g",
    "\x00,\x00,\x00",
]


def picture(number: int, form: str = "PNG") -> bytes:
    chance, file = random.Random(number), io.BytesIO()
    Image.frombytes("RGB", (16, 16), chance.randbytes(16 * 16 * 3)).save(file, form)
    return file.getvalue()


def folder_of(root: Path) -> list[Path]:
    """A sound folder of class folders."""
    files = [root / kind / f"{number}.png" for kind in CLASSES for number in range(FILES)]
    for number, file in enumerate(files):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(picture(number))
    return files


PAIRS = [
    ",,,",
    "no.png,no.png,1,train",
    "cat/0.png,dog/0.png,2,train",
    "cat/0.png,dog/0.png,nan,train",
    "cat/0.png,dog/0.png,1,trian",
    "cat/0.png,dog/0.png,1",
    "cat/0.png,dog/0.png",
    "../../../etc/passwd,cat/0.png,1,test",
    "/dev/zero,cat/0.png,0,test",
    '"',
    "=cmd(),\x1b[31m,1,train",
    "\x00,\x00,\x00,\x00",
]


@pytest.fixture
def plan(call: Any) -> Any:
    def ask(path: Path, kind: str = "folder") -> Any:
        domain = f"{kind}:{os.fsdecode(bytes(path))}"
        return call(
            "run", "--dry-run", "--fusion", "abs_diff", "--protocol", "scratch", "--seed", 0, "--domain", domain
        )

    return ask


def test_a_sound_folder_is_planned(place: Path, plan: Any) -> None:
    folder_of(place / "sound")
    assert plan(place / "sound").code == 0


def test_damaged_folders(fuzz: Any, place: Path, plan: Any, damage: Any) -> None:
    folder_of(place / "sound")

    def check(seed: int) -> None:
        chance = random.Random(seed)
        # What was read is remembered by its path.
        root = place / f"photos{seed}"
        shutil.copytree(place / "sound", root)
        file = chance.choice(sorted(root.rglob("*.png")))
        kind = chance.randrange(8)
        if kind == 0:
            file.write_bytes(damage(file.read_bytes(), seed))
        elif kind == 1:
            file.write_bytes(chance.choice([b"", b"GIF89a", b"\x89PNG", b"BM" + b"\xff" * 60, b"II*\0" + b"\xff" * 40]))
        elif kind == 2:
            os.rename(file, bytes(file.parent) + b"/" + chance.choice(NAMES) + b".png")
        elif kind == 3:
            os.rename(file.parent, bytes(root) + b"/" + chance.choice(NAMES))
        elif kind == 4:
            file.unlink()
            file.symlink_to(chance.choice(["no-such", ".", "/dev/zero", str(file)]))
        elif kind == 5:
            (root / "cat" / "loop").symlink_to(root)
        elif kind == 6:
            shutil.rmtree(file.parent)
            file.parent.write_bytes(b"a file")
        else:
            os.mkfifo(root / "cat" / "pipe.png")
        answer = plan(root)
        assert "\x1b" not in answer.said
        if kind == 1:
            assert answer.code == 2
            assert file.name in answer.err
        shutil.rmtree(root)

    fuzz(st.integers(0, 2**32), 300, check)


def test_damaged_tables(fuzz: Any, place: Path, plan: Any, damage: Any) -> None:
    files = folder_of(place / "sound")
    rows = [f"{file.relative_to(place)},{file.parent.name},{number}" for number, file in enumerate(files)]

    def check(seed: int) -> None:
        chance = random.Random(seed)
        lines = ["file,class,group", *rows]
        lines[chance.randrange(len(lines))] = chance.choice(ROWS)
        text = "\n".join(lines).encode()
        table = place / f"table{seed}.csv"
        table.write_bytes(damage(text, seed) if seed % 2 else text)
        answer = plan(table)
        assert "\x1b" not in answer.said
        table.unlink()

    fuzz(st.integers(0, 2**32), 250, check)


def test_damaged_lists_of_pairs(fuzz: Any, place: Path, plan: Any, damage: Any) -> None:
    files = [file.relative_to(place / "sound") for file in folder_of(place / "sound")]
    pairs = zip(files[::2], files[1::2], itertools.cycle(["train", "val", "test"]))
    rows = [f"{a},{b},{number % 2},{split}" for number, (a, b, split) in enumerate(pairs)]
    sound = place / "sound" / "list.csv"
    sound.write_text("\n".join(["a,b,label,split", *rows]))
    assert plan(sound, "pairs").code == 0

    def check(seed: int) -> None:
        chance = random.Random(seed)
        lines, at = ["a,b,label,split", *rows], chance.randrange(len(rows) + 1)
        lines[at] = chance.choice(PAIRS)
        text = "\n".join(lines).encode()
        listed = place / "sound" / f"list{seed}.csv"
        listed.write_bytes(damage(text, seed) if seed % 2 else text)
        answer = plan(listed, "pairs")
        assert "\x1b" not in answer.said
        if not seed % 2:
            assert answer.code == 2, f"takes {lines[at]!r} for a pair"
        listed.unlink()

    fuzz(st.integers(0, 2**32), 250, check)
