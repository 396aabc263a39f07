"""Contract of a fusion: how the two streams of a pair meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from torch import Tensor, nn

from bench.zoo import Registry

Needs = Literal["pixels", "stage", "map", "tokens", "embedding"]
Head = Literal["mlp", "linear", "score"]
Encoder = Literal["trained", "random", "none"]
Sees = Literal["image", "mask", "likelihoods"]
Supervision = Literal["pairs", "names"]


@dataclass(frozen=True)
class MapShape:
    """Channels, height and width of a feature map."""

    channels: int
    height: int
    width: int


@dataclass(frozen=True)
class FeatureSpec:
    """What a backbone hands to a fusion.

    Attributes:
        image: shape of one image.
        stages: shape of the feature map after each stage.
        map: shape of the deepest map of at least 4x4.
        dim: width of the embedding.
        classes: number of classes of the domain trained on; only references may look at it.
    """

    image: MapShape
    stages: tuple[MapShape, ...]
    map: MapShape
    dim: int
    classes: int = 2

    @property
    def tokens(self) -> int:
        """Number of tokens: the positions of the map."""
        return self.map.height * self.map.width

    @property
    def token_dim(self) -> int:
        """Width of a token: the channels of the map."""
        return self.map.channels


class Fusion(nn.Module):
    """Base class of all fusions: built from a :class:`FeatureSpec`, called with the two streams.

    Class attributes state what the registry, the card and the conformance suite need:

    - ``name``: as typed on the command line.
    - ``family``: ``input``, ``map``, ``token``, ``embedding``, ``bilinear``, ``similarity``, ``relational``,
      ``control`` (must stay at chance) or ``reference`` (knows what a fusion must not know).
    - ``needs``: what it joins. ``pixels`` (B, C, H, W) images, before the backbone; ``stage`` maps after stage
      ``self.stage``, after which the backbone goes on; ``map`` (B, C, H, W); ``tokens`` (B, L, D); ``embedding``
      (B, D).
    - ``symmetric``: the score does not change when the images swap, by construction. Where a parameter decides, the
      constructor sets it on the instance.
    - ``paper``: where it comes from.
    - ``head``: the shared ``mlp`` (default), a ``linear`` layer, or ``score`` when ``forward`` returns (B,)
      scores itself.
    - ``encoder``: ``trained`` (default), ``random`` (a frozen random backbone) or ``none`` (no backbone at all).
    - ``sees`` (references only): the ``image`` (default), the true ``mask`` of its figure as an image, or the
      ``likelihoods`` (B, classes) of an observer that knows how the images are made.
    - ``supervision`` (references only): ``pairs`` (default), or ``names``: trained by cross-entropy on the class of
      each image, through ``name_logits``.

    The class docstring gives the formula with shapes. Constructor parameters after ``spec`` are typed, have defaults
    and can be set from YAML and the command line. A fusion knows no device, optimiser or learning rate.
    """

    name: ClassVar[str]
    family: ClassVar[str]
    needs: ClassVar[Needs]
    symmetric: bool
    paper: ClassVar[str]
    head: ClassVar[Head] = "mlp"
    encoder: ClassVar[Encoder] = "trained"
    sees: ClassVar[Sees] = "image"
    supervision: ClassVar[Supervision] = "pairs"

    def __init__(self, out_dim: int) -> None:
        super().__init__()
        self.out_dim = out_dim

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Join the two streams into features (B, out_dim), a joint image or map, or scores (B,)."""
        raise TypeError(f"{type(self).__name__} does not define forward")

    def name_logits(self, encoded: Tensor) -> Tensor:
        """Logits (B, classes) of the class of each encoded image; only where ``supervision`` is ``names``."""
        raise TypeError(f"{type(self).__name__} does not define name_logits")

    def joined(self, image: MapShape) -> MapShape:
        """Shape of the joint image that a ``pixels`` fusion hands to the backbone."""
        return image


def mlp(in_dim: int, hidden: int = 128, out_dim: int = 1) -> nn.Sequential:
    """The head shared by all fusions: linear, GELU, linear. (B, in_dim) -> (B, out_dim)."""
    return nn.Sequential(nn.Linear(in_dim, hidden), nn.GELU(), nn.Linear(hidden, out_dim))


ALLOWED = {"needs": Needs, "head": Head, "encoder": Encoder, "sees": Sees, "supervision": Supervision}


def _check(cls: type[Fusion]) -> None:
    for attribute in ("name", "family", "needs", "symmetric", "paper"):
        if not hasattr(cls, attribute):
            raise TypeError(f"fusion {cls.__name__} does not state {attribute!r}")
    for attribute, allowed in ALLOWED.items():
        if getattr(cls, attribute) not in get_args(allowed):
            raise TypeError(f"fusion {cls.__name__}: {attribute} must be one of {', '.join(get_args(allowed))}")
    if not cls.__doc__:
        raise TypeError(f"fusion {cls.__name__} has no docstring; it must give the formula with shapes")


FUSIONS: Registry[Fusion] = Registry("fusion", _check)
register = FUSIONS.register
