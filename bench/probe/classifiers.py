"""The classifiers that come with the benchmark, all of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.errors import UsageError
from bench.probe.contract import Classifier, register_classifier

if TYPE_CHECKING:
    from optuna import Trial


@register_classifier
class Linear(Classifier):
    """Logistic regression on standardised encodings: what a linear layer could read.

    Args:
        c: inverse strength of the L2 penalty.
        steps: at most, of L-BFGS.
    """

    name = "linear"

    def __init__(self, c: float = 0.1, steps: int = 300) -> None:
        _check(self, c=c, steps=steps)
        self._c, self._steps = c, steps

    def estimator(self, seed: int, threads: int) -> Any:
        return make_pipeline(StandardScaler(), LogisticRegression(C=self._c, max_iter=self._steps))

    @classmethod
    def search(cls, trial: Trial) -> Mapping[str, Any]:
        return {"c": trial.suggest_float("c", 1e-3, 10.0, log=True)}


@register_classifier
class Knn(Classifier):
    """The nearest encodings of training, each with a vote that falls with its cosine distance.

    Args:
        k: how many.
    """

    name = "knn"

    def __init__(self, k: int = 10) -> None:
        _check(self, k=k)
        self._k = k

    def estimator(self, seed: int, threads: int) -> Any:
        return KNeighborsClassifier(self._k, weights="distance", metric="cosine", algorithm="brute")

    @classmethod
    def search(cls, trial: Trial) -> Mapping[str, Any]:
        return {"k": trial.suggest_int("k", 1, 64, log=True)}


@register_classifier
class Mlp(Classifier):
    """A network of one hidden layer on standardised encodings, trained with Adam.

    Args:
        hidden: units.
        penalty: strength of the L2 penalty.
        lr: learning rate.
        epochs: passes over the training images.
    """

    name = "mlp"

    def __init__(self, hidden: int = 128, penalty: float = 0.01, lr: float = 0.001, epochs: int = 40) -> None:
        _check(self, hidden=hidden, penalty=penalty, lr=lr, epochs=epochs)
        self._hidden, self._penalty, self._lr, self._epochs = hidden, penalty, lr, epochs

    def estimator(self, seed: int, threads: int) -> Any:
        network = MLPClassifier(
            (self._hidden,),
            alpha=self._penalty,
            learning_rate_init=self._lr,
            max_iter=self._epochs,
            n_iter_no_change=self._epochs,
            random_state=seed,
        )
        return make_pipeline(StandardScaler(), network)

    @classmethod
    def search(cls, trial: Trial) -> Mapping[str, Any]:
        return {
            "hidden": trial.suggest_int("hidden", 32, 512, log=True),
            "penalty": trial.suggest_float("penalty", 1e-3, 10.0, log=True),
            "lr": trial.suggest_float("lr", 3e-4, 1e-2, log=True),
        }


@register_classifier
class RandomForest(Classifier):
    """Trees on resampled encodings, each split on a share of their numbers; classes weigh alike. Breiman, 2001.

    Args:
        trees: how many.
        leaf: fewest images in a leaf.
        features: share of the numbers of an encoding that a split may choose from; 0 is their square root.
    """

    name = "random_forest"

    def __init__(self, trees: int = 300, leaf: int = 1, features: float = 0.0) -> None:
        _check(self, trees=trees, leaf=leaf)
        if not 0 <= features <= 1:
            raise UsageError(f"classifier {self.name}: features = {features}; expected 0 to 1")
        self._trees, self._leaf, self._features = trees, leaf, features

    def estimator(self, seed: int, threads: int) -> Any:
        return RandomForestClassifier(
            self._trees,
            min_samples_leaf=self._leaf,
            max_features=self._features or "sqrt",
            class_weight="balanced_subsample",
            n_jobs=threads,
            random_state=seed,
        )

    @classmethod
    def search(cls, trial: Trial) -> Mapping[str, Any]:
        return {
            "leaf": trial.suggest_int("leaf", 1, 16, log=True),
            "features": trial.suggest_float("features", 0.02, 0.4, log=True),
        }


def _check(classifier: Classifier, **values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise UsageError(f"classifier {classifier.name}: {name} = {value}; expected more than 0")
