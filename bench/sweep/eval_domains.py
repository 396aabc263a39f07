"""Which domains a cell is tested on: what ``--eval`` means for the domain that it is trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import filter as matching

from bench.domain import DOMAINS, Domain, build_domain
from bench.errors import UsageError
from bench.registry import Choice
from bench.spec import parse_spec, shifted

ALL, COMPANIONS = "all", "companions"


def eval_domains(trained_on: Choice[Domain], chosen: Sequence[str]) -> tuple[Choice[Domain], ...]:
    """Domains to test on besides ``trained_on``, without repeats.

    Args:
        chosen: ``all`` (every shift and the companions), ``companions``, shifts of the domain trained on or globs of
            them, or domains. What does not fit this domain (other classes, no such shift) is left out.
    """
    found: dict[Choice[Domain], None] = {}
    for name in chosen:
        found |= dict.fromkeys(map(DOMAINS.settle, _meant(str(trained_on), name)))
    found.pop(trained_on, None)
    return tuple(found)


def check_eval(trained_on: Sequence[Choice[Domain]], chosen: Sequence[str]) -> None:
    """Raise ``UsageError`` for a name in ``chosen`` that means nothing for any of the domains trained on."""
    for name in chosen:
        known = name in (ALL, COMPANIONS) or parse_spec(name).name in DOMAINS
        if known or any(_meant(str(domain), name) for domain in trained_on):
            continue
        shifts = sorted({shift for domain in trained_on for shift in build_domain(domain).shifts})
        raise UsageError(
            f"--eval: unknown {name!r}; expected {ALL}, {COMPANIONS}, a domain ({', '.join(DOMAINS)}) "
            f"or a shift ({', '.join(shifts) or 'none here'})"
        )


def fitting_none(trained_on: Iterable[Choice[Domain]], chosen: Sequence[str]) -> list[str]:
    """One line that names the domains in ``chosen`` whose images fit none of those trained on; none where all do."""
    domains = [str(domain) for domain in trained_on]
    named = [name for name in chosen if name not in (ALL, COMPANIONS) and parse_spec(name).name in DOMAINS]
    unfit = [name for name in dict.fromkeys(named) if not any(_meant(domain, name) for domain in domains)]
    why = "of other classes or another size than what is trained on here"
    return [f"--eval: not tested on {', '.join(unfit)}: {why}"] if unfit and domains else []


def _meant(trained_on: str, name: str) -> list[str]:
    domain = build_domain(trained_on)
    if name == COMPANIONS:
        return [other for other in domain.companions if _comparable(trained_on, other)]
    if name == ALL:
        return [*_shifts(trained_on, "*"), *_meant(trained_on, COMPANIONS)]
    if parse_spec(name).name in DOMAINS:
        return [name] if _comparable(trained_on, name) else []
    return _shifts(trained_on, name)


def _shifts(trained_on: str, pattern: str) -> list[str]:
    known = matching(build_domain(trained_on).shifts, pattern)
    if known:
        return [shifted(trained_on, shift) for shift in known]
    try:
        build_domain(shifted(trained_on, pattern))
    except UsageError:
        return []
    return [shifted(trained_on, pattern)]


def _comparable(trained_on: str, other: str) -> bool:
    """A shift of the domain trained on, or a domain of the same classes and image size."""
    here, there = build_domain(trained_on), build_domain(other)
    if parse_spec(trained_on).name == parse_spec(other).name:
        return here.image == there.image
    return (here.classes, here.image) == (there.classes, there.image)
