"""Contract of a fusion: how the two streams of a pair meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import singledispatch
from types import MappingProxyType
from typing import ClassVar, Literal, get_args

from torch import Tensor, nn

from bench.errors import NotApplicableError
from bench.registry import Registry, states

Needs = Literal["pixels", "stage", "exchange", "map", "tokens", "embedding"]
Head = Literal["mlp", "linear", "score"]
Encoder = Literal["trained", "random", "none"]
Sees = Literal["image", "mask", "likelihoods"]
Supervision = Literal["pairs", "names"]
Towers = Literal[1, 2]
Role = Literal["fusion", "reference", "control"]
Knows = Literal["", "names", "masks", "generator"]


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

    def stage(self, index: int) -> MapShape:
        """Shape of the map after a stage.

        Raises:
            NotApplicableError: the backbone has no such stage.
        """
        if not 0 <= index < len(self.stages):
            stages = f"{len(self.stages)} stages (0 to {len(self.stages) - 1})"
            raise NotApplicableError(f"stage {index}: the backbone has {stages}")
        return self.stages[index]


class Fusion(nn.Module):
    """Base class of all fusions: built from a :class:`FeatureSpec`, called with the two streams.

    Class attributes state what the registry, the card and the conformance suite need:

    - ``name``: as typed on the command line.
    - ``family``: ``input``, ``map``, ``token``, ``embedding``, ``bilinear``, ``similarity``, ``relational``,
      ``matching``, ``gating``, or any other word under which lists and pages put it.
    - ``role``: ``fusion`` (default) is compared; a ``control`` must stay at chance; a ``reference`` knows what a fusion
      must not know. The family of these two is the same word.
    - ``needs``: what it joins. ``pixels`` (B, C, H, W) images, before the backbone; ``stage`` maps after stage
      ``self.stage``, after which the backbone goes on; ``exchange`` the embeddings (B, D) of two streams whose maps met
      in :meth:`exchange` after stage ``self.stage``; ``map`` (B, C, H, W); ``tokens`` (B, L, D); ``embedding`` (B, D).
      Where a parameter decides, the constructor sets it on the instance.
    - ``map_stage`` (with ``map``): the stage whose output it joins; None (default) is the deepest map of at least 4x4.
      The layers behind it are dropped.
    - ``towers``: 1 (default) where both images share a backbone, 2 where each has its own.
    - ``symmetric``: the score does not change when the images swap, by construction. Where a parameter decides, the
      constructor sets it on the instance.
    - ``paper``: where it comes from; empty (default) for what is new.
    - ``known_failure``: what is wrong with it, where it is kept to show a mistake that people make; the conformance
      suite is expected to fail on it.
    - ``auxiliary``: weight of each auxiliary head that training adds by default and that is dropped at evaluation.
    - ``head``: the shared ``mlp`` (default), a ``linear`` layer, or ``score`` when ``forward`` returns (B,)
      scores itself.
    - ``head_width``: hidden units of that mlp; the parameter ``head`` of any fusion with this head sets it.
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
    role: ClassVar[Role] = "fusion"
    needs: Needs
    symmetric: bool
    paper: ClassVar[str] = ""
    known_failure: ClassVar[str] = ""
    auxiliary: ClassVar[Mapping[str, float]] = MappingProxyType({})
    head: ClassVar[Head] = "mlp"
    head_width: int = 128
    encoder: ClassVar[Encoder] = "trained"
    sees: ClassVar[Sees] = "image"
    supervision: ClassVar[Supervision] = "pairs"
    towers: ClassVar[Towers] = 1
    stage: int
    map_stage: int | None = None

    def __init__(self, out_dim: int) -> None:
        super().__init__()
        self.out_dim = out_dim

    @classmethod
    def knows(cls) -> Knows:
        """What it knows that a fusion must not know: the ``names`` of the classes, the true ``masks`` of the figures,
        or the ``generator`` of the images; empty for what is not a reference."""
        if cls.sees == "image":
            return "names" if cls.supervision == "names" else ""
        return "masks" if cls.sees == "mask" else "generator"

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Join the two streams into features (B, out_dim), a joint image or map, or scores (B,)."""
        raise TypeError(f"{type(self).__name__} does not define forward")

    def exchange(self, p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        """The two maps (B, C, H, W) after stage ``self.stage``, each with what it takes from the other; only where
        ``needs`` is ``exchange``."""
        raise TypeError(f"{type(self).__name__} does not define exchange")

    def name_logits(self, encoded: Tensor) -> Tensor:
        """Logits (B, classes) of the class of each encoded image; only where ``supervision`` is ``names``."""
        raise TypeError(f"{type(self).__name__} does not define name_logits")

    def joined(self, image: MapShape) -> MapShape:
        """Shape of the joint image that a ``pixels`` fusion hands to the backbone."""
        return image

    def maps(self, a: Tensor, b: Tensor) -> Mapping[str, Tensor]:
        """Where it looks, for ``bench look``: weights of places by name, none by default.

        Places are counted row by row. A gate is (B, 2, L), the weight of each place of A and of B; attention is
        (B, 2, L, L): for each place of A the weights of the places of B, then for each place of B those of A. Where
        only A looks, it is (B, 1, L, L).

        Args:
            a, b: what :meth:`forward` joins.
        """
        return {}


@singledispatch
def maps_of(fusion: Fusion, a: Tensor, b: Tensor) -> Mapping[str, Tensor]:
    """:meth:`Fusion.maps`. A function that is registered here says it for a fusion whose own file must stay as it is,
    since the keys of records hang on it."""
    return fusion.maps(a, b)


def mlp(in_dim: int, hidden: int = 128, out_dim: int = 1) -> nn.Sequential:
    """The head shared by all fusions: linear, GELU, linear. (B, in_dim) -> (B, out_dim)."""
    return nn.Sequential(nn.Linear(in_dim, hidden), nn.GELU(), nn.Linear(hidden, out_dim))


ALLOWED = {
    "role": Role,
    "needs": Needs,
    "head": Head,
    "encoder": Encoder,
    "sees": Sees,
    "supervision": Supervision,
    "towers": Towers,
}


def _check(cls: type[Fusion]) -> None:
    states("fusion", "name", "family", "needs", "symmetric")(cls)
    for attribute, allowed in ALLOWED.items():
        if getattr(cls, attribute) not in get_args(allowed):
            names = ", ".join(map(str, get_args(allowed)))
            raise TypeError(f"fusion {cls.__name__}: {attribute} must be one of {names}")
    if cls.towers == 2 and cls.needs not in ("map", "tokens", "embedding"):
        raise TypeError(f"fusion {cls.__name__}: two towers cannot be joined at {cls.needs}")
    if cls.towers == 2 and cls.symmetric:
        raise TypeError(f"fusion {cls.__name__}: two towers are never symmetric")
    # A leaderboard.csv tells them by their family.
    if cls.family != cls.role and {cls.family, cls.role} & {"reference", "control"}:
        raise TypeError(
            f"fusion {cls.__name__}: a {cls.role} of the family {cls.family}; expected the same word for both"
        )
    if (cls.role == "reference") != bool(cls.knows()):
        raise TypeError(f"fusion {cls.__name__}: a reference, and nothing else, knows more than a fusion may")


# These two are parameters of the model around a fusion: the averaged orders, and the hidden units of the head.
SYMMETRIZE, HEAD = "symmetrize", "head"
FUSIONS: Registry[Fusion] = Registry("fusion", _check, given=("spec",), also=(SYMMETRIZE, HEAD))
register = FUSIONS.register
