"""Contract of a view: what it shows of a stored model, as pictures."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bench.errors import UsageError
from bench.registry import Registry, states

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bench.look.subject import Subject

# Inches: so wide that a telephone shows a panel in its own size, and a page three beside each other.
WIDTH = 4.2


@dataclass(frozen=True)
class Picture:
    """A picture with a title, by which its file is called, and a sentence that says how to read it."""

    title: str
    text: str
    figure: Figure


class View(ABC):
    """A way to look at a stored model; the first line of the docstring of a subclass says what it shows.

    Constructor parameters need a type and a default, and can then be set as ``--view occlusion:side=4``; one with a
    value that makes no sense raises ``UsageError``.

    Attributes:
        name: its name after ``--view``.
    """

    name: ClassVar[str]

    @abstractmethod
    def pictures(self, subject: Subject) -> Iterable[Picture]:
        """Its pictures, each :data:`WIDTH` inches wide.

        Raises:
            NothingToDrawError: there is nothing to show of this model; the message says why, in one line.
        """


def within(view: type[View], parameter: str, value: int, least: int, most: int | None = None) -> int:
    """The value of a parameter of a view; raises ``UsageError`` where it is not one of ``least`` to ``most``."""
    if value < least or (most is not None and value > most):
        allowed = f"at least {least}" if most is None else f"{least} to {most}"
        raise UsageError(f"view {view.name}: {parameter} = {value}: expected {allowed}")
    return value


def _check(cls: type[View]) -> None:
    states("view", "name")(cls)
    if inspect.isabstract(cls):
        raise TypeError(f"view {cls.__name__} does not define pictures()")


# In the order of the page.
BUILT_IN = (
    "galleries",
    "histograms",
    "predictions",
    "reliability",
    "occlusion",
    "attention",
    "gradients",
    "embeddings",
    "umap",
    "clusters",
    "centres",
)
VIEWS: Registry[View] = Registry("view", _check, [f"bench.look.views.{name}" for name in BUILT_IN])
register_view = VIEWS.register
