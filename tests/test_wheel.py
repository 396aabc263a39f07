"""What is published: sdist and wheel pass their checks; the wheel runs alone, beside another package named datasets."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import bench

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Installed:
    """A fresh environment with the wheel, and a folder outside the checkout to run from."""

    python: Path
    site: Path
    elsewhere: Path

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        # A checkout on PYTHONPATH would be searched before the environment.
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [self.python, *args], capture_output=True, text=True, cwd=self.elsewhere, env=env, check=False
        )
        assert done.returncode == 0, done.stderr
        return done


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", folder, ROOT], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The dependencies come from this environment; the wheel and the stand-in lie in the fresh one, searched first."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder / "env", with_pip=False)
    site = next((folder / "env" / "lib").glob("python*/site-packages"))
    zipfile.ZipFile(*dist.glob("*.whl")).extractall(site)
    (site / "datasets").mkdir()
    (site / "datasets" / "__init__.py").write_text("STAND_IN = True\n")
    here = next(path for path in sys.path if path.endswith("site-packages"))
    dependencies = folder / "dependencies"
    dependencies.mkdir()
    for item in Path(here).iterdir():
        if "fusebench" not in item.name:
            (dependencies / item.name).symlink_to(item)
    (site / "dependencies.pth").write_text(f"{dependencies}\n")
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    return Installed(folder / "env" / "bin" / "python", site, elsewhere)


def test_sdist_and_wheel_can_be_uploaded(dist: Path) -> None:
    assert sorted(path.name for path in dist.iterdir()) == [
        f"fusebench-{bench.__version__}-py3-none-any.whl",
        f"fusebench-{bench.__version__}.tar.gz",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *dist.iterdir()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_wheel_has_one_top_level_name(dist: Path) -> None:
    top = {name.split("/")[0] for name in zipfile.ZipFile(*dist.glob("*.whl")).namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"bench"}


def test_a_cell_runs_beside_another_datasets_package(installed: Installed) -> None:
    script = installed.elsewhere / "start.py"
    script.write_text(
        "import bench, datasets; assert datasets.STAND_IN; print(bench.__file__);"
        "import sys; sys.argv = ['bench', 'run', '--fusion', 'abs_diff', '--seed', '0', '--protocol', 'scratch',"
        " '--recipe', 'train_pairs=64,batch_size=16,val_pairs=32', '--test-pairs', '32', '--jobs', '1'];"
        "from bench.cli import main\n"
        "if __name__ == '__main__': main()\n"
    )
    done = installed.run(str(script))
    assert str(installed.site) in done.stdout
    assert "1 ok" in done.stderr


def test_the_command_line_works_outside_the_checkout(installed: Installed) -> None:
    assert bench.__version__ in installed.run("-m", "bench", "--version").stdout
    assert "cross_attention" in installed.run("-m", "bench", "list", "fusions").stdout
    plan = installed.run("-m", "bench", "run", "--config", "quick", "--dry-run")
    assert "abs_diff · mobilenetv3_small_32 · texture · seed 2" in plan.stdout + plan.stderr
