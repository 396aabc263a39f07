"""A classifier fitted on training encodings, its parameters searched on validation."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bench.errors import UsageError
from bench.probe.contract import Classifier
from bench.registry import Choice

Vectors = NDArray[np.float32]
Index = NDArray[np.int64]
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Trial:
    """Parameters that were tried, and what validation said of them."""

    classifier: str
    value: float


@dataclass(frozen=True)
class Fitted:
    """A classifier after training.

    Attributes:
        choice: what it is, with the parameters that were found. scores: (N, K) of encodings (N, D).
        trials: in order, the first one with the parameters that were given; empty where nothing was searched.
    """

    choice: Choice[Classifier]
    scores: Callable[[Vectors], Scores]
    trials: Sequence[Trial] = ()


def fit(choice: Choice[Classifier], x: Vectors, y: Index, seed: int, threads: int) -> Fitted:
    """Train on encodings (N, D) and classes (N,), which are 0 to K - 1.

    Raises:
        UsageError: the parameters do not suit the images.
    """
    estimator = choice.build().estimator(seed, threads)
    try:
        # Left alone, scikit-learn takes every core. That steps end before the optimum is a setting like any other.
        with threadpool_limits(threads), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            estimator.fit(x, y)
    except ValueError as error:
        raise UsageError(f"classifier {choice}: {str(error).splitlines()[0]}") from None
    return Fitted(choice, lambda asked: _scores(choice, estimator, asked, threads))


def _scores(choice: Choice[Classifier], estimator: Any, x: Vectors, threads: int) -> Scores:
    try:
        with threadpool_limits(threads):
            return np.asarray(estimator.predict_proba(x), dtype=float)
    except ValueError as error:
        raise UsageError(f"classifier {choice}: {str(error).splitlines()[0]}") from None


def searched(
    choice: Choice[Classifier],
    fitted: Callable[[Choice[Classifier]], Fitted],
    judge: Callable[[Fitted], float],
    trials: int,
    seed: int,
) -> Fitted:
    """The best of ``trials`` settings by ``judge``, the given one among them; of equal ones the first. The others are
    suggested by the tree-structured Parzen estimator of Bergstra et al., 2011.

    Raises:
        UsageError: Optuna is not installed.
    """
    first = fitted(choice)
    best, value = first, judge(first)
    told = [Trial(str(choice), value)]
    study = _study(seed)
    for _ in range(trials - 1):
        trial = study.ask()
        params = {name: _short(one) for name, one in choice.cls.search(trial).items()}
        if not params:
            return first
        own = fitted(choice.with_params(**params))
        study.tell(trial, reached := judge(own))
        told.append(Trial(str(own.choice), reached))
        if reached > value:
            best, value = own, reached
    return Fitted(best.choice, best.scores, told)


def _study(seed: int) -> Any:
    try:
        import optuna
    except ImportError as error:
        raise UsageError(
            f"--tune needs {error.name}, which is not installed; get it with pip install 'fusebench[tune]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))


def _short(value: Any) -> Any:
    """Three digits of a number: more decide nothing, and the setting is told in a table."""
    return float(f"{value:.3g}") if isinstance(value, float) else value
