"""The fingerprint as a user calls it: found, changed, unknown; and that it repeats."""

from __future__ import annotations

import json

import pytest

from bench.sweep import fingerprint


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the tiny sweep yields in this test."""
    found = {"abs_diff on color, finetune": "aa", "concat on texture, scratch": "bb"}
    monkeypatch.setattr(fingerprint, "compute", lambda: found)
    return found


def test_a_machine_without_a_fingerprint_exits_2_and_says_how_to_add_it(bench, computed, tmp_path, capfd) -> None:
    file = tmp_path / "fingerprints.json"
    file.write_text(json.dumps({"torch 1.0, Linux x86_64, AVX2": {}}))
    assert bench("fingerprint", "--file", file) == 2
    assert f"no fingerprint for {fingerprint.machine()} in {file}" in capfd.readouterr().err


def test_a_written_fingerprint_is_found_again_and_a_changed_bit_exits_1(bench, computed, tmp_path, capfd) -> None:
    file = tmp_path / "fingerprints.json"
    file.write_text(json.dumps({"torch 1.0, Linux x86_64, AVX2": {"x": "y"}}))
    assert bench("fingerprint", "--file", file, "--write") == 0
    assert set(json.loads(file.read_text())) == {"torch 1.0, Linux x86_64, AVX2", fingerprint.machine()}
    capfd.readouterr()
    assert bench("fingerprint", "--file", file) == 0
    assert capfd.readouterr().out.startswith("2 of 2 cells bit for bit")
    computed["concat on texture, scratch"] = "cc"
    assert bench("fingerprint", "--file", file) == 1
    assert "+ concat on texture, scratch: bb -> cc" in capfd.readouterr().out
    del computed["concat on texture, scratch"]
    assert bench("fingerprint", "--file", file) == 1
    assert "\n1 of 2 cells bit for bit" in capfd.readouterr().out


@pytest.mark.slow
def test_the_tiny_sweep_repeats_bit_for_bit() -> None:
    first, second = fingerprint.compute(), fingerprint.compute()
    assert first == second
    assert len(first) == len(set(first.values())) == 5
