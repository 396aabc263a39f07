"""An exported model says what the original says."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.errors import UsageError
from bench.evaluation.scoring import score_pairs
from bench.fusion import FUSIONS
from bench.model import IMAGE, build_model
from bench.models import export
from bench.models.calibration import Calibration
from bench.models.export import (
    BATCHES,
    COMPARED,
    FORMATS,
    LARGEST_DIFFERENCE,
    Graph,
    _in_batches,
    convert,
    largest_difference,
    quiet,
)
from bench.models.files import stored_models
from bench.models.restore import restore
from bench.spec import parse_spec

PAGE = Path(__file__).parents[2] / "docs" / "export.md"
PLAIN = "mobilenetv3_small_32"


def pairs(n):
    torch.manual_seed(0)
    return torch.randint(0, 256, (2, n, 3, 32, 32), dtype=torch.uint8)


def exported(model, form, n=9):
    a, b = pairs(n)
    with quiet(), torch.no_grad():
        _, found = convert(Graph(model), form, a, b)
    return largest_difference(found, score_pairs(model, a, b))


# All fusions in all formats take minutes: the slow test below.
@pytest.mark.parametrize(("fusion", "form"), [*zip(["concat", "cosine", "two_channel"], FORMATS, strict=True)])
def test_scores_of_any_number_of_pairs_are_those_of_the_original(fusion, form):
    assert exported(build_model(parse_spec(fusion), PLAIN, IMAGE), form) <= LARGEST_DIFFERENCE


def test_a_steep_scale_is_no_larger_difference():
    scores = np.linspace(-1, 1, 50, dtype=np.float32)
    off = np.where(np.arange(50) == 25, 2e-5, 0).astype(np.float32)
    assert largest_difference(scores + off, scores) == pytest.approx(2e-5, rel=0.01)
    assert largest_difference(100 * (scores + off), 100 * scores) < 5e-5


def test_an_exported_file_is_compared_in_batches_of_all_sizes():
    sizes, a = [], torch.zeros(COMPARED, 1)

    def run(x, y):
        sizes.append(len(x))
        return x[:, 0], y[:, 0]

    assert len(_in_batches(run, a, a)) == COMPARED
    assert sizes == list(BATCHES)


def test_offset_and_calibration_are_inside():
    model, (a, b) = build_model(parse_spec("cosine"), PLAIN, IMAGE), pairs(6)
    calibration = Calibration(slope=3.0, intercept=-0.5)
    with torch.no_grad():
        scores, chances = (one.numpy() for one in Graph(model, 0.25, calibration)(a, b))
    np.testing.assert_allclose(scores, score_pairs(model, a, b) - 0.25, atol=1e-5)
    np.testing.assert_allclose(chances, calibration(scores), atol=1e-6)


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_not_to_be_expressed_is_one_line(monkeypatch, kept, form):
    stored = restore(stored_models(kept / "models")[0])

    def refuse(self, a, b):
        raise RuntimeError("no such operator\nand more")

    monkeypatch.setattr(Graph, "forward", refuse)
    with pytest.raises(UsageError) as error:
        export.export(stored, form)
    others = {"onnx": "pt2 or torchscript", "pt2": "onnx or torchscript", "torchscript": "onnx or pt2"}
    told = f"{stored.card.cell.fusion}: cannot be exported as {form}: RuntimeError: no such operator"
    assert str(error.value) == f"{told}; --format {others[form]} may express it"


@pytest.mark.slow
@pytest.mark.parametrize("fusion", [cls.name for cls in FUSIONS.classes])
def test_the_page_tells_what_can_be_exported(fusion):
    (row,) = re.findall(rf"^\| `{fusion}` .*", PAGE.read_text(), re.MULTILINE)[:1]
    for form, told in zip(FORMATS, row.split("|")[2:-1], strict=True):
        if told.strip() != "no":
            assert exported(build_model(parse_spec(fusion), PLAIN, IMAGE), form) <= LARGEST_DIFFERENCE
