"""Contract and registry of the classifiers that are trained on frozen encodings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from bench.registry import Registry, states

if TYPE_CHECKING:
    from optuna import Trial


class Classifier(ABC):
    """Base class of the classifiers. The first line of the docstring says what one is.

    Constructor parameters are typed, have defaults and can be set from YAML and the command line
    (``random_forest:trees=500``).

    Attributes:
        name: as typed after ``--classifier``.
    """

    name: ClassVar[str]

    @abstractmethod
    def estimator(self, seed: int, threads: int) -> Any:
        """A new classifier with the interface of scikit-learn: ``fit(x, y)`` and ``predict_proba(x)``.

        Args:
            seed: of all that it draws.
            threads: that it may use in ``fit``.
        """

    @classmethod
    def search(cls, trial: Trial) -> Mapping[str, Any]:
        """Parameters to try under ``--tune``, as Optuna suggests them. Without any, nothing is searched."""
        return {}


CLASSIFIERS: Registry[Classifier] = Registry(
    "classifier", states("classifier", "name"), built_in=("bench.probe.classifiers",)
)
register_classifier = CLASSIFIERS.register
