"""Replicates: repetitions of a cell that share nothing of what chance decides, not even its test pairs."""

from __future__ import annotations

import inspect
from functools import cache

from bench.domain import Domain, build_domain
from bench.errors import UsageError
from bench.registry import Choice
from bench.training.warmup import WarmupSpec

# Parameters that deal the images of a finite collection anew: the first that a domain has.
DEALT_BY = ("split_seed", "fold")
# What is told where ``shared`` is "parts".
SAME_PARTS = "All replicates have the same images in the same parts: what is shared enters no interval."


@cache
def redealt(domain: Choice[Domain], number: int) -> Choice[Domain]:
    """The domain as replicate ``number`` sees it: a finite collection is dealt to training, validation and test anew.

    One that never ends stays as it is, and so does one whose parts are given, as by a column of the user's list.
    """
    name, before = _dealing(domain)
    if not name or not number:
        return domain
    try:
        build_domain(dealt := domain.with_params(**{name: before + number}))
    except UsageError:
        return domain
    return dealt


@cache
def as_given(domain: Choice[Domain], number: int) -> Choice[Domain]:
    """The domain that :func:`redealt` made ``domain`` from."""
    name, after = _dealing(domain)
    if not name or after < number:
        return domain
    before = domain.with_params(**{name: after - number})
    return before if redealt(before, number) == domain else domain


@cache
def shared(domain: Choice[Domain]) -> str:
    """What all replicates see of a domain: the ``images`` that each deals anew, their ``parts``, or nothing."""
    if build_domain(domain).collection is None:
        return ""
    return "parts" if redealt(domain, 1) == domain else "images"


def anew(warmup: WarmupSpec, number: int) -> WarmupSpec:
    """The warm-up of replicate ``number``: another seed, and the images that the replicate trains on."""
    domain = redealt(warmup.domain, number)
    return WarmupSpec(warmup.task, warmup.backbone, domain, warmup.recipe, warmup.seed + number)


def _dealing(domain: Choice[Domain]) -> tuple[str, int]:
    """The parameter that deals its images and its value; an empty name where it has none."""
    known = inspect.signature(domain.cls).parameters
    name = next((name for name in DEALT_BY if name in known), "")
    value = domain.params.get(name, known[name].default) if name else 0
    return name, value
