"""The conformance suite itself: which checks run, on what, and what their results say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bench import zoo
from bench.conformance.cases import Case
from bench.conformance.kinds import KINDS, OF_ALL
from bench.conformance.suite import CHECKS, check_case, check_choice, matching, registered_in, subjects
from bench.errors import UsageError
from bench.fusion import FUSIONS
from bench.spec import parse_spec
from tests.plugins import fusion

zoo.load()
BACKBONE = "mobilenetv3_small_32"


def problems(fusion: str, backbone: str = BACKBONE) -> dict[str, str]:
    return {result.check: result.problem for result in check_case(fusion, backbone) if result.problem}


@pytest.mark.parametrize("fusion", ["abs_diff", "corelnet", "fmap_diff", "two_channel", "pixel_distance"])
def test_the_checks_run_what_the_model_runs(fusion: str) -> None:
    """From the join on, the model under test gives the scores of the whole model."""
    case = Case(parse_spec(fusion), BACKBONE)
    a, b = case.images(4)
    model = case.model.eval()
    with torch.no_grad():
        images = torch.cat([a, b])
        joined = model.encode(images) if model.encodes_separately else model.together(a, b)
        assert torch.equal(case.joint().eval()(*joined.chunk(2)), model(a, b))


METRIC = """

from bench.metrics import HIGHER, Metric, register_metric


@register_metric
class Nothing(Metric):
    '''Always one half.'''

    name, direction = "nothing", HIGHER

    def compute(self, scored):
        return 0.5
"""
LATE = """
@register
class Late(Fusion):
    '''Difference after a stage.'''

    name, family, needs, symmetric, paper = "late", "map", "stage", True, "none"

    def __init__(self, spec: FeatureSpec, stage: int = 3) -> None:
        super().__init__(out_dim=spec.dim)
        self.stage = stage

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (a - b).abs()
"""


def test_a_combination_that_is_not_applicable_is_no_failure(plugin: Callable[..., Path]) -> None:
    plugin(LATE)
    (skipped,) = check_case("late", BACKBONE)
    assert "the backbone has 3" in skipped.skipped
    assert skipped.problem == ""


def test_a_stage_fusion_conforms(plugin: Callable[..., Path]) -> None:
    plugin(LATE)
    assert problems("late", "tiny_vit") == {}
    case = Case(parse_spec("late:stage=1"), BACKBONE)
    model, (a, b) = case.model.eval(), case.images(4)
    with torch.no_grad():
        joined = model.backbone.lower(model.together(a, b), 1)
        assert torch.equal(case.joint().eval()(*joined.chunk(2)), model(a, b))


def stated(source: str, failure: str = "It is wrong") -> str:
    """A fusion that states a known failure."""
    return source.replace("    name, family", f'    known_failure = "{failure}"\n    name, family', 1)


def test_a_known_failure_that_fails_is_no_problem(plugin: Callable[..., Path]) -> None:
    plugin(stated(fusion("sound", "return a")))
    results = check_case("sound", BACKBONE)
    assert not [result for result in results if result.problem]
    (marked,) = [result for result in results if result.expected]
    assert marked.check == "symmetric (known failure)"
    assert "declared symmetric" in marked.expected


def test_a_known_failure_that_passes_everything_is_a_problem(plugin: Callable[..., Path]) -> None:
    plugin(stated(fusion("sound")))
    (problem,) = [result for result in check_case("sound", BACKBONE) if result.problem]
    assert problem.check == "known failure"
    assert "every check passes: It is wrong" in problem.problem


def test_an_error_in_the_code_is_no_known_failure(plugin: Callable[..., Path]) -> None:
    plugin(stated(fusion("sound", "return a.no_such_method(b)")))
    assert "AttributeError" in problems("sound")["shape"]


def test_an_error_names_its_line(plugin: Callable[..., Path]) -> None:
    path = plugin(fusion("crash", "return a.no_such_method(b)"))
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "no_such_method" in text)
    problem = problems("crash")["shape"]
    assert problem.startswith(f"raises AttributeError in line {line} of plugin.py: ")


def test_a_constructor_that_fails_is_one_failure(plugin: Callable[..., Path]) -> None:
    plugin(fusion("unbuildable", construction="raise ZeroDivisionError('rank 0')"))
    (result,) = check_case("unbuildable", BACKBONE)
    assert result.check == "builds"
    assert "rank 0" in result.problem


@pytest.mark.parametrize(
    ("fusion", "backbone"), [("concta", BACKBONE), ("concat", "resnet81"), ("concat:rank=1", BACKBONE)]
)
def test_unknown_names_are_usage_errors(fusion: str, backbone: str) -> None:
    with pytest.raises(UsageError):
        subjects([FUSIONS.settle(fusion)], [backbone])


def test_what_a_file_and_a_folder_register(plugin: Callable[..., Path]) -> None:
    path = plugin(fusion("sound") + METRIC)
    plugin(fusion("second"), name="second")
    assert list(map(str, registered_in(path))) == ["sound", "nothing"]
    assert list(map(str, registered_in(path.parent))) == ["second", "sound", "nothing"]
    assert registered_in(path.parent / "other.py") == []
    assert FUSIONS.settle("concat") in registered_in(zoo.built_in_folder("fusions"))


def test_a_fusion_is_tested_on_every_backbone_and_the_rest_once(plugin: Callable[..., Path]) -> None:
    choices = registered_in(plugin(LATE + METRIC))
    found = {(one.kind, one.backbone): one.checks for one in subjects(choices, [BACKBONE, "resnet18"])}
    on_one = ("builds", *CHECKS)
    assert found == {
        ("fusion", ""): (*OF_ALL, "builds"),
        ("fusion", BACKBONE): on_one,
        ("fusion", "resnet18"): on_one,
        ("metric", ""): (*OF_ALL, "builds", *KINDS["metric"].checks),
    }
    assert [one.check for one in check_choice(choices[1])] == list(found["metric", ""])


def test_some_of_what_a_file_registers(plugin: Callable[..., Path]) -> None:
    choices = registered_in(plugin(fusion("sound") + LATE + METRIC))
    assert [one.name for one in matching(choices, ["no*", "so*", "sound"])] == ["sound", "nothing"]
    with pytest.raises(UsageError, match="nothing here is called 'soun'; there is late, sound, nothing"):
        matching(choices, ["so*", "soun"])


@pytest.mark.parametrize("error", ["SystemExit(0)", "GeneratorExit", "RecursionError('deep')"])
def test_whatever_a_check_raises_is_its_failure(error: str, plugin: Callable[..., Path]) -> None:
    plugin(fusion("sound", f"raise {error}"))
    assert problems("sound")["shape"].startswith(f"raises {error.partition('(')[0]} in line")


def test_the_words_of_a_plug_in_are_made_safe(plugin: Callable[..., Path]) -> None:
    plugin(fusion("sound", "raise ValueError('\\x1b[31m\\ud800' + 'x' * 5_000_000)"))
    problem = problems("sound")["shape"]
    assert "\\x1b[31m\\ud800xx" in problem
    assert len(problem) < 3_000


def test_a_check_leaves_the_model_as_it_was() -> None:
    """Checks share one model per case and train copies of it."""
    case = Case(parse_spec("two_channel"), BACKBONE)
    before = {name: tensor.clone() for name, tensor in case.model.state_dict().items()}
    for check in CHECKS.values():
        check(case)
    assert all(torch.equal(before[name], tensor) for name, tensor in case.model.state_dict().items())
