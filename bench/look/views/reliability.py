"""Whether probabilities are what they say, before and after rescaling."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from bench.look.contract import WIDTH, Picture, View, register_view
from bench.look.subject import Rows, Scored, Subject
from bench.metrics import binary_log_loss, expected_calibration_error
from bench.plots.style import COLORS, GREY, MARKERS, new_figure

POINTS = 10
COLDEST, HOTTEST = 1e-3, 1e3
Probability = NDArray[np.float64]


@register_view
class Reliability(View):
    """Reliability diagram with the calibration error, as trained and rescaled on the validation pairs in three ways."""

    name = "reliability"

    def pictures(self, subject: Subject) -> Iterable[Picture]:
        ways = rescaled(subject)
        figure = new_figure(WIDTH, 3.7, "Reliability")
        axis = figure.subplots()
        axis.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--")
        for place, (name, probability) in enumerate(ways.items()):
            error = expected_calibration_error(subject.label, probability)
            axis.plot(
                *points(subject.label, probability),
                color=COLORS[place],
                marker=MARKERS[place],
                markersize=4,
                linewidth=1.2,
                label=f"{name}: ECE {error:.3f}",
            )
        axis.set_xlabel("probability of same", fontsize=8)
        axis.set_ylabel("share that is same", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.legend(frameon=False, fontsize=7)
        text = (
            f"Test pairs of {subject.name} in {POINTS} parts of equal size; the rescalings are fitted on the "
            f"validation pairs of {subject.stored.card.cell.domain}."
        )
        yield Picture("Reliability", text, figure)


def rescaled(subject: Subject) -> Mapping[str, Probability]:
    """Probabilities (N,) of the test pairs, by how they come from the scores."""
    scores, validation = subject.scores.astype(np.float64), subject.evaluated.validation
    heat = temperature(*validation)
    return {
        "as trained": expit(scores),
        f"temperature {heat:.2f}": expit(scores / heat),
        "slope and intercept": subject.probability,
        "isotonic": isotonic(*validation, subject.scores),
    }


def temperature(scores: Scored, label: Rows) -> float:
    """The T for which ``sigmoid(score / T)`` is likeliest on pairs (N,). Guo et al., 2017."""
    from scipy.optimize import minimize_scalar

    wide = scores.astype(np.float64)

    def loss(log_heat: float) -> float:
        return binary_log_loss(label, wide / math.exp(log_heat))

    return math.exp(minimize_scalar(loss, bounds=(math.log(COLDEST), math.log(HOTTEST)), method="bounded").x)


def isotonic(scores: Scored, label: Rows, test: Scored) -> Probability:
    """Probabilities of ``test`` scores by the increasing steps that fit pairs (N,) best. Zadrozny & Elkan, 2002."""
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores, label)
    found: Probability = fitted.predict(test).astype(np.float64)
    return found


def points(label: Rows, probability: Probability) -> tuple[Probability, Probability]:
    """Mean probability and share of same of parts of equal size, by probability."""
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, POINTS) if len(part)]
    return np.array([probability[part].mean() for part in parts]), np.array([label[part].mean() for part in parts])
