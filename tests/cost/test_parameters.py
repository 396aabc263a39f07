"""Parameter counts."""

from __future__ import annotations

from bench import zoo
from bench.cost.counts import count_parameters
from bench.model import PairModel, build_model
from bench.spec import parse_spec
from bench.training.pairs import FrozenModel

zoo.load()
D, HIDDEN = 128, 128


def build(fusion: str, backbone: str = "mobilenetv3_small_32") -> PairModel:
    return build_model(parse_spec(fusion), backbone)


def head(width: int) -> int:
    return (width + 1) * HIDDEN + HIDDEN + 1


def test_fusions_by_hand() -> None:
    rank, width = 4, 64
    expected = {
        "concat": head(2 * D),
        "abs_diff": head(D),
        "heuristic": head(3 * D),
        "concat_linear": 2 * D + 1,
        "cosine": 2,
        "pixel_distance": 2,
        "decision_average": head(D),
        "low_rank_bilinear": 2 * rank * width * (D + 1) + rank + head(width),
        "two_channel": head(D),
    }
    assert {name: count_parameters(build(name)).fusion for name in expected} == expected


def test_shared_parameters_count_once() -> None:
    tied, free = (count_parameters(build(f"low_rank_bilinear:shared={s}")) for s in ("true", "false"))
    factor = 4 * 64 * (D + 1)
    assert free.fusion - tied.fusion == free.total - tied.total == free.trainable - tied.trainable == factor


def test_frozen_parameters_do_not_train() -> None:
    model = build("random_encoder")
    counted = count_parameters(model)
    assert counted.trainable == counted.fusion == head(D)
    assert counted.total > counted.fusion


def test_under_the_frozen_protocol_only_the_join_trains() -> None:
    model = build("concat")
    counted = count_parameters(model, FrozenModel(model))
    assert counted.trainable == counted.fusion == head(2 * D)
    assert counted.total == count_parameters(model).total


def test_symmetrize_adds_no_parameter() -> None:
    assert count_parameters(build("concat:symmetrize=true")) == count_parameters(build("concat"))
