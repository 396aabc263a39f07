"""ImageNet weights come from the local cache of the hub, and from nowhere else."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file

Process = Callable[..., subprocess.CompletedProcess[str]]
RUN = (
    "run --fusion abs_diff --backbone timm:lcnet_050 --warmup imagenet --eval color --seed 0 --test-pairs 32 --jobs 0"
    " --recipe train_pairs=32,batch_size=16,val_pairs=32"
).split()


def environment(hub: Path) -> dict[str, str]:
    return {"HF_HOME": str(hub), "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(hub / "hub")}


def test_without_weights_the_run_stops_before_it_starts(process: Process, tmp_path: Path) -> None:
    done = process(*RUN, "--out", tmp_path / "run", **environment(tmp_path / "hub"))
    assert done.returncode == 2
    assert "pretrained weights of timm:lcnet_050 cannot be loaded here" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_weights_in_the_cache_are_used(process: Process, tmp_path: Path) -> None:
    model = timm.create_model("lcnet_050")
    repository = tmp_path / "hub" / "hub" / f"models--{model.pretrained_cfg['hf_hub_id'].replace('/', '--')}"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    weights = {
        name: torch.full_like(value, 0.01) if "conv" in name else value for name, value in model.state_dict().items()
    }
    save_file(weights, snapshot / "model.safetensors")
    code = (
        "from bench.backbones import create_backbone; from bench.model import IMAGE;"
        "from bench.backbones.weights import published;"
        "backbone = create_backbone('timm:lcnet_050', IMAGE, published('timm:lcnet_050'));"
        "print({float(p.detach().flatten()[0]) for n, p in backbone.named_parameters() if 'conv' in n})"
    )
    seen = process(code=code, **environment(tmp_path / "hub"))
    assert seen.stdout.strip() == "{0.009999999776482582}", seen.stderr
    done = process(*RUN, "--out", tmp_path / "run", **environment(tmp_path / "hub"))
    assert done.returncode in (0, 3), done.stderr
    assert '"warmup":{"task":"imagenet"}' in (tmp_path / "run" / "records.jsonl").read_text()
