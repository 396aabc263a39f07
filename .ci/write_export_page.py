"""Writes docs/export.md: which fusion can be exported in which format, as it is found by exporting each of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench import zoo
from bench.backbones import Backbone, register_backbone
from bench.domain import build_domain
from bench.errors import NotApplicableError
from bench.evaluation.scoring import score_pairs
from bench.fusion import FUSIONS, Fusion, MapShape
from bench.markup import align
from bench.model import IMAGE, build_model
from bench.models.export import FORMATS, LARGEST_DIFFERENCE, Graph, convert, largest_difference, quiet, why_not
from bench.spec import parse_spec

PAGE = Path(__file__).parents[1] / "docs" / "export.md"
TEXT = """\
# What can be exported

`bench export model MODEL --format onnx|pt2|torchscript` writes [a kept model](using-models.md#export) for programs
without fusebench. Which fusions a format can express was found by exporting each of them (torch {torch};
`.ci/write_export_page.py` writes this page): untrained, in float32, with batches of other sizes than the graph was made
with. A number is the largest difference of a score to the original, as a share of their spread where that is above 1;
{allowed:g} is allowed. Fusions that need transformer blocks were exported on `tiny_vit`, all others on a plain network
of four convolutions, as what a backbone is made of can be exported in each format.

"""
REASON = 140


@register_backbone
class Plain(Backbone):
    """Four convolutions, which are captured in no time."""

    name = "plain_export"

    def __init__(self, image: MapShape, pretrained: bool) -> None:
        widths = [16, 32, 64, 64]
        stages = [
            nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.ReLU()) for a, b in zip([16, *widths[:-1]], widths, strict=True)
        ]
        stages[2:] = [nn.Sequential(nn.Conv2d(a, 64, 3, 1, 1), nn.ReLU()) for a in (32, 64)]
        super().__init__(image, nn.Conv2d(image.channels, 16, 3, 2, 1), stages)


def outcomes(fusion: type[Fusion]) -> Mapping[str, str]:
    """What came out by format: a difference, or why there is none."""
    pairs = build_domain("color").draw("test", 0, 48)
    a, b = pairs.a.pixels, pairs.b.pixels
    try:
        model = build_model(parse_spec(fusion.name), Plain.name, IMAGE)
    except NotApplicableError:
        model = build_model(parse_spec(fusion.name), "tiny_vit", IMAGE)
    if model.fusion.sees != "image":
        return dict.fromkeys(FORMATS, f"is given the {model.fusion.sees} of each image, which no file holds")
    expected = score_pairs(model, a, b)
    graph = Graph(model)
    return {form: _outcome(graph, form, a, b, expected) for form in FORMATS}


def _outcome(graph: Graph, form: str, a: Tensor, b: Tensor, expected: NDArray[np.float32]) -> str:
    try:
        with quiet(), torch.no_grad():
            found = convert(graph, form, a, b)[1]
    except Exception as error:
        return why_not(error)
    assert found is not None, "onnxruntime is not installed"
    return f"{largest_difference(found, expected):.0e}"


def main() -> None:
    """Export all and write the page."""
    zoo.load()
    torch.set_num_threads(1)
    rows, reasons = [], {}
    for cls in FUSIONS.classes:
        started = time.perf_counter()
        found = outcomes(cls)
        cells = []
        for form, told in found.items():
            is_number = told[:1].isdigit()
            cells.append(told if is_number and float(told) <= LARGEST_DIFFERENCE else "no")
            if cells[-1] == "no":
                reason = f"differs by {told}" if is_number else told
                reasons.setdefault((cls.name, reason[:REASON]), []).append(form)
        rows.append([f"`{cls.name}`", *cells])
        print(f"{cls.name} {found} {time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)
    text = TEXT.format(torch=torch.__version__.split("+")[0], allowed=LARGEST_DIFFERENCE)
    text += align(("fusion", *FORMATS), sorted(rows), left=1) + "\n"
    if reasons:
        text += "\n## Why not\n\n"
        lines = [[f"`{name}`", ", ".join(forms), reason] for (name, reason), forms in sorted(reasons.items())]
        text += align(("fusion", "not as", "what torch says"), lines, left=3) + "\n"
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
