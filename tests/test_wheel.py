"""The wheel: one top-level name, the zoo inside, and a cell that runs beside another package called datasets."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_wheel_has_one_name_and_runs_a_cell_beside_another_datasets_package(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"bench"}
    assert "bench/py.typed" in names

    # The dependencies come from this environment; the wheel and the stand-in lie in the fresh one, searched first.
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    site = next((tmp_path / "env" / "lib").glob("python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    (site / "datasets").mkdir()
    (site / "datasets" / "__init__.py").write_text("STAND_IN = True\n")
    here = next(path for path in sys.path if path.endswith("site-packages"))
    dependencies = tmp_path / "dependencies"
    dependencies.mkdir()
    for item in Path(here).iterdir():
        if "fusebench" not in item.name:
            (dependencies / item.name).symlink_to(item)
    (site / "dependencies.pth").write_text(str(dependencies) + "\n")
    code = (
        "import bench, datasets; assert datasets.STAND_IN; print(bench.__file__);"
        "import sys; sys.argv = ['bench', 'run', '--fusion', 'abs_diff', '--seed', '0', '--protocol', 'scratch',"
        " '--recipe', 'train_pairs=64,batch_size=16,val_pairs=32', '--test-pairs', '32', '--jobs', '1'];"
        "from bench.cli import main\n"
        "if __name__ == '__main__': main()\n"
    )
    script = tmp_path / "start.py"
    script.write_text(code)
    done = subprocess.run([python, str(script)], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert str(site) in done.stdout
    assert "1 ok" in done.stderr
