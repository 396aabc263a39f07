"""What is rendered is kept by what it depends on, and read only as it was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.packages import rendered

ARRAYS = {"pixels": np.arange(12, dtype=np.uint8).reshape(3, 4), "name": np.array(["one", "two"])}


def refuse() -> dict[str, np.ndarray]:
    raise AssertionError("rendered again")


def test_it_is_rendered_once(cache: Path) -> None:
    first = rendered({"size": 32}, lambda: ARRAYS)
    again = rendered({"size": 32}, refuse)
    assert first.content == again.content
    assert all(np.array_equal(again.arrays[name], array) for name, array in ARRAYS.items())
    assert again.arrays.keys() == ARRAYS.keys()


def test_the_content_is_that_of_the_arrays_alone(cache: Path) -> None:
    plain = rendered({"size": 32}, lambda: ARRAYS).content
    assert rendered({"size": 64}, lambda: ARRAYS).content == plain
    for other in (
        {**ARRAYS, "pixels": ARRAYS["pixels"] + 1},
        {**ARRAYS, "pixels": ARRAYS["pixels"].reshape(4, 3)},
        {"pixels": ARRAYS["pixels"], "names": ARRAYS["name"]},
    ):
        assert rendered({"other": str(other)}, lambda arrays=other: arrays).content != plain


def test_a_damaged_file_is_rendered_again(cache: Path) -> None:
    plain = rendered({"size": 32}, lambda: ARRAYS)
    (file,) = cache.rglob("*.npz")
    content = bytearray(file.read_bytes())
    for damaged in (bytes(content[:50]), b"", bytes([*content[:60], content[60] ^ 1, *content[61:]])):
        file.unlink()
        file.write_bytes(damaged)
        assert rendered({"size": 32}, lambda: ARRAYS).content == plain.content
    # Another archive, whole but not the one that was written.
    file.unlink()
    np.savez_compressed(file, pixels=ARRAYS["pixels"] + 1, name=ARRAYS["name"], content_sha256=plain.content)
    assert rendered({"size": 32}, lambda: ARRAYS).arrays["pixels"][0, 0] == 0
