"""The layout of weights and images."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bench.model import build_model
from bench.spec import parse_spec


@pytest.mark.parametrize("fusion", ["concat", "two_channel", "concat:symmetrize=true"])
def test_images_and_weights_change_their_layout_and_the_scores_stay(fusion: str) -> None:
    model = build_model(parse_spec(fusion), "mobilenetv3_small_32").eval()
    images = torch.randint(256, (2, 3, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    seen: list[Tensor] = []
    stem = next(layer for layer in model.towers[0].modules() if isinstance(layer, nn.Conv2d))
    stem.register_forward_pre_hook(lambda layer, args: seen.append(args[0]))
    scores = []
    for memory_format in (torch.channels_last, torch.contiguous_format):
        with torch.inference_mode():
            scores.append(model.lay_out(memory_format)(*images))
        assert seen[-1].is_contiguous(memory_format=memory_format)
        assert stem.weight.is_contiguous(memory_format=memory_format)
    assert not seen[0].is_contiguous()
    assert torch.allclose(*scores, atol=1e-4)
