"""``bench new``: a file that runs as it is, under the name that was given, and that nothing is lost for."""

import pytest
import torch
import typer
from typer.testing import CliRunner

from bench import zoo
from bench.cli.new import new
from bench.errors import UsageError
from bench.fusion import FUSIONS, FeatureSpec, MapShape


@pytest.fixture
def bench_new():
    app = typer.Typer()
    app.command()(new)
    return lambda *args: CliRunner().invoke(app, [str(arg) for arg in args], catch_exceptions=False)


def test_what_is_written_is_a_fusion_that_joins(bench_new, registries, tmp_path):
    file = tmp_path / "mine.py"
    bench_new("fusion", "my_idea-2", "--out", file)
    zoo.load([file])
    fusion = FUSIONS.get("my_idea-2")(FeatureSpec(MapShape(3, 8, 8), (MapShape(5, 2, 3),), MapShape(5, 2, 3), 6))
    u, v = torch.randn(2, 3, 6)
    assert fusion(u, v).shape == (3, fusion.out_dim)
    torch.testing.assert_close(fusion(u, v), fusion(v, u))


def test_a_file_that_is_there_and_a_name_that_is_none_are_refused(bench_new, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("precious")
    with pytest.raises(UsageError, match=r"mine\.py: exists already; give another --out"):
        bench_new("fusion", "mine", "--out", file)
    assert file.read_text() == "precious"
    with pytest.raises(UsageError, match="there is a fusion concat already; choose another name"):
        bench_new("fusion", "concat", "--out", tmp_path / "other.py")
    with pytest.raises(UsageError, match="the name '2nd' is not allowed; expected a letter, then"):
        bench_new("fusion", "2nd", "--out", tmp_path / "other.py")


def test_a_name_with_a_dot_is_written_to_a_file_that_can_be_loaded(bench_new, registries, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bench_new("fusion", "mine.v2")
    zoo.load([tmp_path / "mine_v2.py"])
    assert "mine.v2" in FUSIONS


def test_a_file_with_a_dot_in_its_name_is_said_to_be_the_reason(bench_new, registries, tmp_path):
    bench_new("fusion", "mine", "--out", tmp_path / "mine.v2.py")
    zoo.load([tmp_path / "mine.v2.py"])
    (broken,) = zoo.broken_plugins()
    assert broken.error == "Python imports no file with a dot in its name but that of .py; rename it"
