"""What the colours of verdicts mean: one owner for matrix, forest plot and page."""

from __future__ import annotations

from dataclasses import dataclass

from bench.plots.style import BLUE, GREY, ORANGE, VERMILION
from bench.verdicts.standings import Standing, Standings
from bench.verdicts.unit import unit_of

# A fusion that is worse is drawn the stronger the more margins it is behind.
STEPS = (2, 5, 10)


@dataclass(frozen=True)
class Shade:
    """How a verdict is drawn: the ground of a cell, the text on it, and a dot or line on white.

    Attributes:
        means: in a legend; ``{margin}``, ``{baseline}`` and ``{repeats}`` are filled in.
    """

    fill: str
    ink: str
    line: str
    means: str


TIED = Shade(BLUE, "white", BLUE, "may be the best, no more than {margin} from the top")
OPEN = Shade("#9CCBEB", "black", "#56B4E9", "may be the best, not settled")
CLOSE = Shade("#DCE6EE", "black", "#7C93A6", "not the best, but within {margin} of it")
BASELINE = Shade("#444444", "white", "black", "{baseline}")
BETTER = Shade(BLUE, "white", BLUE, "better than {baseline}")
EQUIVALENT = Shade("#DCE6EE", "black", "#7C93A6", "within {margin} of {baseline}")
INCONCLUSIVE = Shade("#F1F1F1", "black", GREY, "inconclusive, which is not equal")
WORSE = (
    Shade("#FCE9DA", "black", ORANGE, "worse"),
    Shade("#F7CBA6", "black", "#E58A2B", "worse, on average by more than {step}"),
    Shade("#EC9A62", "black", "#DD6F16", "worse, on average by more than {step}"),
    Shade("#D2601A", "white", VERMILION, "worse, on average by more than {step}"),
)
TOO_FEW = Shade("#F1F1F1", "black", GREY, "too few {repeats}s to infer from")
AT_CHANCE = Shade("#F1F1F1", "black", GREY, "none is above chance")
IN_LEGENDS = (TIED, OPEN, CLOSE, BASELINE, BETTER, EQUIVALENT, INCONCLUSIVE, *WORSE, AT_CHANCE, TOO_FEW)


def shade_of(one: Standing, column: Standings) -> Shade:
    """How a fusion is drawn.

    Beside the best one the tie group decides who is worse: the best was chosen by the scores themselves, so that a test
    against it alone would find too much. Where nobody has learned there is no such group, and nobody is worse.
    """
    if column.is_best and column.is_judged and not column.tied:
        return AT_CHANCE
    if one.verdict is None:
        return BASELINE if not column.is_best else TIED if column.is_judged else TOO_FEW
    word = one.verdict.word
    if word == "too few seeds":
        return TOO_FEW
    if column.is_best and one.is_tied:
        return TIED if word == "equivalent" else OPEN
    if word == "equivalent":
        return CLOSE if column.is_best else EQUIVALENT
    if word == "worse" or column.is_best:
        behind = abs(one.verdict.paired.mean)
        return WORSE[sum(behind > step * column.margin for step in STEPS) if column.margin else 0]
    return BETTER if word == "better" else INCONCLUSIVE


def meaning(shade: Shade, column: Standings) -> str:
    """What a shade means in a legend."""
    unit = unit_of(column.metric)
    step = STEPS[WORSE.index(shade) - 1] * column.margin if shade in WORSE else 0.0
    amounts = {"margin": unit.short(column.margin), "step": unit.short(step)}
    return shade.means.format(**amounts, baseline=column.baseline, repeats=column.section.repeats)
