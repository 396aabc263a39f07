"""A plug-in whose code is wrong costs its own cells and no others."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.plugins import fusion


def test_a_constructor_that_fails_is_a_failed_cell_among_others(sweep, plugin: Callable[..., Path]) -> None:
    path = plugin(fusion("broken", construction="super().__init__(out_dim=spec.width)"), load=False)
    code, records, said = sweep(fusion=["broken", "abs_diff"], include=[str(path)])
    assert {record["fusion"]: record["status"] for record in records} == {"broken": "error", "abs_diff": "ok"}
    error = next(record["error"] for record in records if record["fusion"] == "broken")
    assert "no attribute 'width'" in error["message"]
    assert "plugin.py" in error["traceback"]
    assert code == 3
    assert f"bench test {os.path.relpath(path)}" in " ".join(said.split())


def test_a_backbone_that_cannot_be_built_leaves_a_record_of_each_cell(sweep, registries: None, tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(
        '"""A backbone."""\n'
        "from bench.backbones.contract import Backbone, register_backbone\n\n"
        "@register_backbone\n"
        "class Net(Backbone):\n"
        '    """Layers."""\n\n'
        '    name = "net"\n\n'
        "    def __init__(self, image, pretrained=False):\n"
        "        super().__init__()\n"
    )
    code, records, _ = sweep(fusion=["abs_diff"], backbone=["net"], protocol="frozen", include=[str(path)])
    assert [record["status"] for record in records] == ["error"]
    assert "missing 3 required positional arguments" in records[0]["error"]["message"]
    assert code == 3
