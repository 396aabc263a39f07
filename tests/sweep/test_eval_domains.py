"""What ``--eval`` means: shifts, companions, domains, and what fits none of them."""

from __future__ import annotations

import pytest

from bench.domain import DOMAINS, Domain, Pairs, build_domain, register_domain
from bench.errors import UsageError
from bench.spec import shift_of
from bench.sweep.eval_domains import check_eval, fitting_none
from bench.sweep.eval_domains import eval_domains as choices


def eval_domains(trained_on: str, chosen: list[str]) -> tuple[str, ...]:
    return tuple(map(str, choices(DOMAINS.settle(trained_on), chosen)))


def shifts_in(domains: tuple[str, ...]) -> set[str]:
    return {shift_of(domain)[1] for domain in domains}


def test_companions_are_what_the_domain_suggests() -> None:
    assert eval_domains("color", ["companions"]) == ("texture",)
    assert eval_domains("texture", ["companions"]) == ("color",)


def test_all_means_every_shift_of_the_domain_trained_on_and_the_companions() -> None:
    found = eval_domains("texture", ["all"])
    assert shifts_in(found) == {*build_domain("texture").shifts, ""}
    assert "color" in found
    assert all(shift_of(domain)[0] in ("texture", "color") for domain in found)


def test_a_shift_keeps_the_parameters_of_the_domain_trained_on() -> None:
    assert eval_domains("color:difficulty=hard", ["outline"]) == ("color:difficulty=hard:shift=outline",)


def test_a_shift_that_was_trained_on_is_replaced_not_stacked() -> None:
    assert eval_domains("color:shift=axis_aligned", ["diagonal"]) == ("color:shift=diagonal",)


def test_globs_and_single_severities() -> None:
    assert shifts_in(eval_domains("color", ["noise*"])) == {"noise", "noise-b"}
    assert shifts_in(eval_domains("color", ["blur-5"])) == {"blur-5"}


def test_the_domain_trained_on_and_repeats_are_left_out() -> None:
    assert eval_domains("color", ["color", "texture", "outline", "out*", "texture"]) == (
        "texture",
        "color:shift=outline",
    )


def test_a_shift_that_only_another_domain_has_is_left_out_and_no_error() -> None:
    check_eval(["color", "texture"], ["texture_boundary"])
    assert eval_domains("color", ["texture_boundary"]) == ()
    assert shifts_in(eval_domains("texture", ["texture_boundary"])) == {"texture_boundary"}


@pytest.mark.parametrize("name", ["outlin", "texture_boundary", "noise-6", "*gray*"])
def test_what_means_nothing_for_any_domain_is_refused_with_the_choices(name: str) -> None:
    with pytest.raises(UsageError, match=r"--eval: unknown .*expected all, companions, a domain .*outline"):
        check_eval(["color"], [name])


def test_a_domain_with_other_classes_is_left_out(registries: None) -> None:
    class Cats(Domain):
        """Cats and dogs."""

        name, version = "test_cats", 1
        classes = ("cat", "dog")
        warmup_classes = ("cow",)

        def draw(self, split, seed, n, start=0) -> Pairs:
            raise NotImplementedError

        draw_named = draw

    register_domain(Cats)
    assert "test_cats" in DOMAINS
    assert eval_domains("color", ["test_cats", "texture"]) == ("texture",)


def test_domains_that_fit_none_of_those_trained_on_are_named() -> None:
    """What fits one of several, and what stands for whatever there is, is not."""
    trained_on = [DOMAINS.settle(name) for name in ("color", "texture")]
    (line,) = fitting_none(trained_on, ["digits", "color", "companions", "outline", "digits"])
    assert line.startswith("--eval: not tested on digits: of other classes")
    assert fitting_none(trained_on, ["texture", "all"]) == []
