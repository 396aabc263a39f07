"""The table of uniform numbers from which every domain takes every factor of every sample."""

from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bench import zoo
from bench.domain import BLOCK, DOMAINS, Domain, Images, Pairs, Split, register_domain, uniforms
from bench.fusion import MapShape

KEY = ("color", 1, "train", 0, "a")
ROWS = 4 * BLOCK


@cache
def whole() -> Tensor:
    return uniforms(KEY, 0, ROWS, 3)


@given(start=st.integers(0, ROWS - 1), n=st.integers(1, ROWS))
@settings(max_examples=60, deadline=None)
def test_a_row_depends_on_its_index_alone(start: int, n: int) -> None:
    n = min(n, ROWS - start)
    assert torch.equal(uniforms(KEY, start, n, 3), whole()[start : start + n])


@pytest.mark.parametrize("start", [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK - 1])
@pytest.mark.parametrize("n", [1, 2, BLOCK, BLOCK + 1])
def test_rows_across_block_edges(start: int, n: int) -> None:
    assert torch.equal(uniforms(KEY, start, n, 3), whole()[start : start + n])


def test_rows_are_the_same_in_any_order_of_calls_and_whatever_was_drawn_before() -> None:
    torch.manual_seed(1)
    late = uniforms(KEY, 3 * BLOCK, 5, 3)
    torch.rand(17)
    early = uniforms(KEY, 0, 5, 3)
    assert torch.equal(late, whole()[3 * BLOCK : 3 * BLOCK + 5])
    assert torch.equal(early, whole()[:5])


def test_the_global_random_state_is_left_alone() -> None:
    before = torch.get_rng_state()
    uniforms(KEY, 0, 10, 3)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "other",
    [
        ("texture", 1, "train", 0, "a"),
        ("color", 2, "train", 0, "a"),
        ("color", 1, "test", 0, "a"),
        ("color", 1, "train", 1, "a"),
        ("color", 1, "train", 0, "b"),
        ("color", 1, "train", "0", "a"),
        ("color", 11, "train", 0, "a"),
        ("color", 1, "train", 0),
    ],
)
def test_another_key_shares_no_number(other: tuple[str | int, ...]) -> None:
    mine, theirs = set(whole()[:BLOCK].flatten().tolist()), set(uniforms(other, 0, BLOCK, 3).flatten().tolist())
    assert not mine & theirs


def test_no_two_rows_and_no_two_blocks_are_alike() -> None:
    assert len(torch.unique(whole(), dim=0)) == ROWS


def test_numbers_are_uniform_and_columns_unrelated() -> None:
    u = whole()
    assert u.dtype == torch.float64
    assert u.min() >= 0
    assert u.max() < 1
    for column in u.T:
        gap = (column.sort().values - (torch.arange(ROWS) + 0.5) / ROWS).abs().max()
        assert gap < 1.95 / ROWS**0.5  # Kolmogorov-Smirnov, 0.1 %
    lagged = torch.cat([u[:-1], u[1:]], dim=1)
    correlation = torch.corrcoef(lagged.T) - torch.eye(6)
    assert correlation.abs().max() < 4.5 / ROWS**0.5


def test_keys_that_agree_in_32_bits_of_their_hash_still_differ() -> None:
    # These two were searched for: torch's CPU generator reads only the low 32 bits of a seed.
    assert not torch.equal(uniforms(("collide", 47401), 0, 8, 2), uniforms(("collide", 67699), 0, 8, 2))


def test_a_domain_must_state_name_and_version() -> None:
    class Nameless(Domain):
        version = 1

    class Versionless(Domain):
        name = "versionless"

    for cls, missing in ((Nameless, "name"), (Versionless, "version")):
        with pytest.raises(TypeError, match=f"{cls.__name__}.*'{missing}'"):
            register_domain(cls)
    assert "versionless" not in DOMAINS


def test_the_built_in_domains_are_found() -> None:
    zoo.load()
    assert {"color", "texture"} <= set(DOMAINS)


class Constant(Domain):
    """The same grey images always."""

    name, version = "constant", 1
    classes = warmup_classes = ("grey",)

    def draw(self, split: Split, seed: int, n: int, start: int = 0) -> Pairs:
        images = self.draw_named(split, seed, n, start)
        return Pairs(images, images, torch.ones(n, dtype=torch.long))

    def draw_named(self, split: Split, seed: int, n: int, start: int = 0, easy: bool = False) -> Images:
        return Images(torch.full((n, 3, 32, 32), 128, dtype=torch.uint8), {"class": torch.zeros(n, dtype=torch.long)})


def test_what_a_domain_need_not_state() -> None:
    domain = Constant()
    assert domain.image == MapShape(3, 32, 32)
    assert dict(domain.shifts) == dict(domain.content) == {}
    assert domain.companions == ()
    assert domain.warmup_domain == ""
    pairs = domain.draw("train", 0, 5)
    assert len(pairs) == len(pairs.a) == 5
    assert pairs.strata is None
    assert domain.log_likelihoods(pairs.a) is None
