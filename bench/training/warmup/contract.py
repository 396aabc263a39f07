"""Contract of a warm-up: where the weights of a backbone come from before any cell trains it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from bench.backbones import Backbone, Weights
from bench.domain import Domain, Images
from bench.errors import UsageError
from bench.model import standardise
from bench.registry import Choice, Registry, states
from bench.source import source_hash
from bench.training.warmup.own import BANK, IMAGES, OWN

Trained = Literal["embedding", "position", "pooled"]


@dataclass(frozen=True)
class Measure:
    """What a warm-up task is judged by on held-out images.

    Attributes:
        unit: ``share`` for what lies between 0 and 1.
    """

    name: str
    unit: str
    better: Literal["higher", "lower"]


class Start:
    """Base class of all warm-ups. The first line of the docstring says what the backbone starts from.

    Attributes:
        weights: ``random``, those that others ``pretrained`` (:class:`Pretrained`), or those that this program
            ``computed`` (:class:`WarmupTask`).
        recipe: fields that differ from the warm-up recipe of the backbone.
        trains: what it trains of the backbone, for whoever reads single images from it: up to the ``embedding`` (B, D),
            the deepest map (B, C, H, W) with each ``position`` of it, or that map as a ``pooled`` mean over positions.
    """

    name: ClassVar[str]
    weights: ClassVar[Literal["random", "pretrained", "computed"]]
    trains: ClassVar[Trained] = "pooled"
    recipe: ClassVar[Mapping[str, Any]] = MappingProxyType({})


class Pretrained(Start):
    """Base class of the warm-ups whose weights others trained.

    Constructor parameters are typed, have defaults and can be set from YAML and the command line.
    """

    weights = "pretrained"

    @abstractmethod
    def of(self, backbone: str) -> Weights:
        """The weights for a backbone, by name.

        Raises:
            UsageError: there are none.
        """


class WarmupTask(nn.Module, Start):
    """Base class of the warm-ups that this program computes: a head on the backbone, and what the two must learn.

    Constructor parameters after ``backbone`` and ``domain`` are typed, have defaults and can be set from YAML and the
    command line (``jigsaw:grid=3``). Every task takes ``images=own`` besides, and is given a domain whose named images
    are its own then. The constructor sets ``head``; where that reads something else than the embedding,
    the task overrides :meth:`forward`.

    Attributes:
        measure: the main one of those that :meth:`assess` returns.
        needs: latents of the images that the task cannot do without.
        by_name: whether it asks what an image shows.
        columns: uniform numbers that :meth:`examples` takes for each image.
        lr_factor: on the learning rate of that recipe.
    """

    weights = "computed"
    trains = "embedding"
    measure: ClassVar[Measure]
    needs: ClassVar[tuple[str, ...]] = ()
    by_name: ClassVar[bool] = False
    columns: ClassVar[int] = 0
    lr_factor: ClassVar[float] = 1.0
    head: nn.Module

    def __init__(self, backbone: Backbone, domain: Domain) -> None:
        super().__init__()
        self.backbone = backbone

    @abstractmethod
    def examples(self, images: Images, u: Tensor) -> tuple[Tensor, Tensor]:
        """What the network is shown and what it must answer.

        Args:
            images: B named images.
            u: (B, columns) float64 in [0, 1), all that may be random; a row depends only on the seed and the number of
                its image.

        Returns:
            uint8 pixels of B images, and a target with B rows.
        """

    def forward(self, shown: Tensor) -> Tensor:
        """Outputs, one row for each image shown."""
        return self.head(self.backbone.read(standardise(shown), "embedding"))

    @abstractmethod
    def loss(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Loss () of one batch."""

    @abstractmethod
    def hits(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Which answers count as right, bool: their share is the learning curve."""

    @abstractmethod
    def assess(self, outputs: Tensor, target: Tensor) -> dict[str, float]:
        """How well the task is done on many images, by the name of each measure, ``measure`` among them."""


def _check(cls: type[Start]) -> None:
    states("warm-up", "name", *(["measure"] if issubclass(cls, WarmupTask) else ["weights"]))(cls)
    if cls.weights == "pretrained" and not issubclass(cls, Pretrained):
        raise TypeError(f"warm-up {cls.__name__}: weights that others trained come from a subclass of Pretrained")


class _Warmups(Registry[Start]):
    def settle(self, text: str) -> Choice[Start]:
        choice = super().settle(text)
        shown = choice.params.get(IMAGES)
        if shown is None:
            return choice
        if not issubclass(choice.cls, WarmupTask):
            raise UsageError(f"warm-up {text}: {choice.name} shows no images, so that none can be chosen")
        if shown not in (BANK, OWN):
            raise UsageError(f"warm-up {text}: images = {shown!r}: expected {BANK} or {OWN}")
        return choice if shown == OWN else self._without_images(choice)

    def build(self, choice: Choice[Start], *given: Any) -> Start:
        return super().build(self._without_images(choice), *given)

    def _without_images(self, choice: Choice[Start]) -> Choice[Start]:
        params = {name: value for name, value in choice.params.items() if name != IMAGES}
        return Choice(choice.name, params, registry=self)

    def identity(self, choice: Choice[Start]) -> Mapping[str, Any]:
        """The name with parameters and, for a plug-in, the hash of its source. The built-in ones are part of the
        harness, like the loop that trains them."""
        built_in = choice.cls.__module__.startswith("bench.")
        return {"task": str(choice)} if built_in else {"task": str(choice), "task_source": source_hash(choice.cls)}


def given_weights(task: Choice[Start], backbone: str) -> Weights | None:
    """The weights that others trained and a backbone of this name starts from; None for a warm-up without such.

    Raises:
        UsageError: they are not there.
    """
    if not issubclass(task.cls, Pretrained):
        return None
    found = task.build()
    assert isinstance(found, Pretrained)
    return found.of(backbone)


WARMUPS = _Warmups("warm-up", _check, given=("backbone", "domain"), also=(IMAGES,))
register_warmup = WARMUPS.register


@register_warmup
class NoWarmup(Start):
    """No warm-up: random initialisation."""

    name, weights = "none", "random"
