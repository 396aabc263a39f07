"""The pair network of an audit is the model that a sweep builds of the same join."""

from __future__ import annotations

import torch

from bench.audit.draws import BACKBONE, Draws
from bench.audit.networks import joined_encodings, warm_pair_model
from bench.model import build_model
from bench.spec import parse_spec
from bench.training import warmup


def test_the_network_is_heuristic_matching_from_the_same_start() -> None:
    draws = Draws("color", 200, seed=3, warmup_recipe={"images": 128})
    expected = build_model(parse_spec("heuristic"), BACKBONE, draws.domain.image, seed=3)
    assert expected.backbone is not None
    warmup.load_into(expected.backbone, draws.warm_up())
    found = warm_pair_model(draws)
    state = expected.state_dict()
    assert list(found.state_dict()) == list(state)
    assert all(torch.equal(value, state[name]) for name, value in found.state_dict().items())
    a, b = draws.test.a.pixels, draws.test.b.pixels
    with torch.no_grad():
        assert torch.equal(found.eval()(a, b), expected.eval()(a, b))
        joined = expected.fusion(expected.encode(a), expected.encode(b))
    assert torch.equal(joined_encodings(draws, draws.test), joined)
