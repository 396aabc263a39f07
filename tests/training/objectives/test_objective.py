"""Objectives as text: one way to write each, and one clear line for what cannot be read."""

from __future__ import annotations

import pytest
import torch

from bench.errors import UsageError
from bench.training.objectives import OBJECTIVES, Batch, Objective, Space


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("bce", "bce"),
        (" 1*bce ", "bce"),
        ("contrastive + bce", "bce+contrastive"),
        ("0.10*contrastive:margin=1.0+bce", "bce+0.1*contrastive"),
        ("contrastive:0.5", "contrastive:margin=0.5"),
        ("hinge:margin=2", "hinge:margin=2.0"),
        ("hinge:margin=2.0", "hinge:margin=2.0"),
        ("contrastive:normalise=false:margin=2", "contrastive:margin=2.0:normalise=false"),
        ("2*triplet:margin=0.1+triplet:margin=0.3", "2*triplet:margin=0.1+triplet:margin=0.3"),
    ],
)
def test_there_is_one_way_to_write_an_objective(text: str, canonical: str) -> None:
    assert str(Objective.parse(text)) == canonical
    assert Objective.parse(canonical) == Objective.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "hinge:margin=1",
        "contrastive:margin=1:normalise=true",
        "double_margin:near=0.5:far=1.2",
        "cosine_embedding:margin=0",
        "triplet:margin=0.2:normalise=true",
        "infonce:temperature=0.1",
        "supcon:temperature=0.1",
        "circle:margin=0.25:scale=64",
        "arcface:margin=0.5:scale=16",
        "vicreg:invariance=25:variance=25:covariance=1",
    ],
)
def test_a_name_alone_means_these_values(text: str) -> None:
    """Keys of records hold the name alone: with another default, other numbers would be filed under it."""
    assert str(Objective.parse(text)) == text.partition(":")[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("contrative", "unknown objective 'contrative': did you mean contrastive"),
        ("contrastive:margn=1", "objective contrastive:margn=1: unknown parameter 'margn'; allowed: margin, normalise"),
        ("contrastive:margin=wide", "margin must be float"),
        ("contrastive:margin=0", "objective contrastive: margin = 0: expected a number greater than 0"),
        ("infonce:temperature=-1", "temperature = -1"),
        ("double_margin:near=1.5", "expected 0 <= near < far"),
        ("cosine_embedding:margin=1", "expected -1 <= margin < 1"),
        ("arcface:margin=2", "expected 0 <= margin < pi/2"),
        ("vicreg:variance=-1", "weights of 0 or more"),
        ("bce:margin=1", "unknown parameter 'margin'; allowed: none"),
        ("bce+", "expected terms and weights"),
        ("", "expected terms and weights"),
        ("*bce", "expected terms and weights"),
        ("x*bce", "the weight 'x' is not a positive number"),
        ("0*bce", "the weight '0' is not a positive number"),
        ("-1*bce", "the weight '-1' is not a positive number"),
        ("inf*bce", "the weight 'inf' is not a positive number"),
        ("nan*bce", "the weight 'nan' is not a positive number"),
        ("bce+2*bce", "bce is given twice"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Objective.parse(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_registered_term_states_what_it_reads_and_its_formula() -> None:
    for name in OBJECTIVES:
        term = OBJECTIVES.get(name)
        assert term.reads in ("scores", "pairs", "classes")
        assert "``" in (term.__doc__ or "")
        assert term.paper


def test_the_sum_weighs_its_terms(one) -> None:
    u, v, z = one.randn(3, 8, 5)
    label, classes = torch.arange(8) % 2, torch.arange(8) % 3
    batch = Batch(one.randn(8, seed=1), label, u, v, z, classes)

    def loss(text: str) -> float:
        return float(Objective.parse(text).build(Space(5, 3))(batch))

    expected = loss("bce") + 0.25 * loss("contrastive") + 3 * loss("supcon")
    assert loss("bce+0.25*contrastive+3*supcon") == pytest.approx(expected, rel=1e-6)


def test_which_terms_train_scores_and_which_encodings() -> None:
    mixed = Objective.parse("bce+0.1*contrastive+triplet")
    assert [one.spec.name for one in mixed.on_scores] == ["bce"]
    assert [one.spec.name for one in mixed.on_encodings] == ["contrastive", "triplet"]
    assert not Objective.parse("hinge").on_encodings


def test_weights_of_an_objective_are_its_parameters() -> None:
    (directions,) = Objective.parse("bce+arcface").build(Space(7, 4)).parameters()
    assert directions.shape == (4, 7)


def test_reading_an_objective_leaves_the_random_state_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    Objective.parse("arcface")
    assert torch.equal(torch.rand(1), expected)
