"""PairModel: backbone, fusion and head composed into one score per pair."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import torch
from torch import Tensor, nn

from bench.backbones import Backbone, Reads, create_backbone
from bench.errors import NotApplicableError, UsageError
from bench.fusion import FUSIONS, FeatureSpec, Fusion, MapShape, mlp
from bench.spec import Spec, check_params

IMAGE = MapShape(3, 32, 32)


def standardise(images: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """uint8 images (B, 3, H, W) to ``dtype`` with mean 0 and deviation 1 over each image, channels last.

    Removing the mean and contrast of each image roughly halves the images that training needs.
    """
    x = images.to(dtype, memory_format=torch.channels_last)
    mean = x.mean((1, 2, 3), keepdim=True)
    deviation = (x - mean).square().mean((1, 2, 3), keepdim=True).sqrt()
    return (x - mean) / (deviation + 1.0)


def build_head(fusion: Fusion) -> nn.Module:
    """The head that ``fusion.head`` asks for: (B, out_dim) -> (B, 1), or nothing where the fusion returns scores."""
    if fusion.head == "mlp":
        return mlp(fusion.out_dim)
    return nn.Linear(fusion.out_dim, 1) if fusion.head == "linear" else nn.Identity()


class PairModel(nn.Module):
    """Base class: ``forward`` takes two uint8 image batches (B, 3, H, W) and returns scores (B,); positive means same.

    Attributes:
        encodes_separately: each image is encoded without the other, so encodings can be cached and re-paired.
        reads: what an encoding is, where images are encoded separately.
    """

    encodes_separately = False
    reads: Reads | None = None

    def __init__(self, fusion: Fusion, backbone: Backbone | None) -> None:
        super().__init__()
        self.fusion = fusion
        self.backbone = backbone
        self.head = build_head(fusion)

    @property
    def symmetric(self) -> bool:
        """Whether swapping A and B cannot change the score."""
        return self.fusion.symmetric

    def score(self, features: Tensor) -> Tensor:
        """Features (B, out_dim) or scores (B,) of the fusion to scores (B,)."""
        return self.head(features).flatten()

    def both_orders(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of (A, B) and of (B, A), (B,) each."""
        return self(a, b), self(b, a)

    def encode(self, images: Tensor) -> Tensor:
        """Images (B, 3, H, W) uint8 to what the fusion joins; only where ``encodes_separately``."""
        raise NotApplicableError(f"{self.fusion.name} joins the images before they are encoded")

    def compare(self, a: Tensor, b: Tensor) -> Tensor:
        """Scores (B,) of encoded images; only where ``encodes_separately``."""
        raise NotApplicableError(f"{self.fusion.name} joins the images before they are encoded")

    def together(self, a: Tensor, b: Tensor) -> Tensor:
        """Both images standardised, as one batch (2B, 3, H, W)."""
        return standardise(torch.cat([a, b]), self.dtype)

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights, in which the images are handed to the backbone."""
        return next((p.dtype for p in self.parameters()), torch.float32)


class SeparateModel(PairModel):
    """The fusion joins what the backbone made of each image: an embedding, a map or tokens."""

    encodes_separately = True
    backbone: Backbone
    reads: Reads

    def __init__(self, fusion: Fusion, backbone: Backbone, reads: Reads) -> None:
        super().__init__(fusion, backbone)
        self.reads = reads
        backbone.keep_only(reads)
        if fusion.encoder == "random":
            backbone.requires_grad_(False)

    def encode(self, images: Tensor) -> Tensor:
        return self.backbone.read(standardise(images, self.dtype), self.reads)

    def compare(self, a: Tensor, b: Tensor) -> Tensor:
        return self.score(self.fusion(a, b))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.compare(*self.encode(torch.cat([a, b])).chunk(2))

    def both_orders(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        u, v = self.encode(torch.cat([a, b])).chunk(2)
        return self.compare(u, v), self.compare(v, u)


class PixelModel(PairModel):
    """The fusion joins the two images and the backbone runs once on the joint image."""

    backbone: Backbone

    def __init__(self, fusion: Fusion, backbone: Backbone) -> None:
        super().__init__(fusion, backbone)
        self.head = mlp(backbone.spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        joint = self.fusion(*self.together(a, b).chunk(2))
        return self.score(self.backbone.read(joint, "embedding"))


class StageModel(PairModel):
    """The fusion joins the two maps after stage ``fusion.stage`` and the rest of the backbone runs on the result."""

    backbone: Backbone

    def __init__(self, fusion: Fusion, backbone: Backbone) -> None:
        super().__init__(fusion, backbone)
        self.stage = int(fusion.stage)  # type: ignore[arg-type]
        if not 0 <= self.stage < len(backbone.stages):
            stages = f"{len(backbone.stages)} stages (0 to {len(backbone.stages) - 1})"
            raise NotApplicableError(f"stage {self.stage}: {backbone.name} has {stages}")
        self.head = mlp(backbone.spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        u, v = self.backbone.lower(self.together(a, b), self.stage).chunk(2)
        return self.score(self.backbone.upper(self.fusion(u, v), self.stage + 1))


class PixelScoreModel(PairModel):
    """The fusion scores the two images without any backbone."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.score(self.fusion(*self.together(a, b).chunk(2)))


class LikelihoodModel(PairModel):
    """A reference that is given the likelihoods (B, classes) of each image in place of the image."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.score(self.fusion(a, b))


class Symmetrized(PairModel):
    """Mean of the scores of both orders: symmetric whatever the fusion is, at up to twice the cost."""

    def __init__(self, model: PairModel) -> None:
        nn.Module.__init__(self)
        self.model = model
        self.encodes_separately = model.encodes_separately
        self.reads = model.reads

    @property
    def fusion(self) -> Fusion:  # type: ignore[override]
        return self.model.fusion

    @property
    def backbone(self) -> Backbone | None:  # type: ignore[override]
        return self.model.backbone

    @property
    def head(self) -> nn.Module:  # type: ignore[override]
        return self.model.head

    @property
    def symmetric(self) -> bool:
        return True

    def encode(self, images: Tensor) -> Tensor:
        return self.model.encode(images)

    def compare(self, a: Tensor, b: Tensor) -> Tensor:
        return (self.model.compare(a, b) + self.model.compare(b, a)) / 2

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        first, second = self.model.both_orders(a, b)
        return (first + second) / 2


SYMMETRIZE = "symmetrize"


@cache
def feature_spec(backbone: str, image: MapShape) -> FeatureSpec:
    """What the named backbone hands to a fusion, measured once."""
    return create_backbone(backbone, image).spec


def build_fusion(fusion: Spec, spec: FeatureSpec, classes: int = 2) -> Fusion:
    """A fusion by name with its parameters checked; ``symmetrize`` is a parameter of the model, not of the fusion."""
    cls = FUSIONS.get(fusion.name)
    if not isinstance(fusion.params.get(SYMMETRIZE, False), bool):
        raise UsageError(f"fusion {fusion}: {SYMMETRIZE} must be true or false")
    params = {key: value for key, value in fusion.params.items() if key != SYMMETRIZE}
    checked = check_params(cls, params, given=("spec",), where=f"fusion {fusion}")
    return cls(replace(spec, classes=classes), **checked)  # type: ignore[arg-type]


def build_model(
    fusion: Spec,
    backbone: str,
    image: MapShape = IMAGE,
    seed: int = 0,
    pretrained: bool = False,
    classes: int = 2,
) -> PairModel:
    """Compose a model from names.

    The backbone is initialised from ``seed`` alone and the fusion after it from ``seed`` again, so that all fusions
    start from the same backbone. The global random state is left as it was.

    Args:
        fusion: name and parameters; ``symmetrize=true`` averages the scores of both orders of any fusion.
        image: shape of one image.
        classes: number of classes of the domain trained on, for references.

    Raises:
        UsageError: an unknown name or parameter.
        NotApplicableError: the combination makes no sense; the message says why.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        joint = build_fusion(fusion, feature_spec(backbone, image), classes)
        torch.manual_seed(seed)
        tower = None if joint.encoder == "none" else create_backbone(backbone, _input_shape(joint, image), pretrained)
        torch.manual_seed(seed)
        joint = build_fusion(fusion, feature_spec(backbone, image), classes)
        model = _compose(joint, tower)
    return (Symmetrized(model) if fusion.params.get(SYMMETRIZE) else model).to(memory_format=torch.channels_last)


def _input_shape(fusion: Fusion, image: MapShape) -> MapShape:
    return fusion.joined(image) if fusion.needs == "pixels" else image


def _compose(fusion: Fusion, backbone: Backbone | None) -> PairModel:
    if fusion.sees == "likelihoods":
        return LikelihoodModel(fusion, None)
    if backbone is None:
        return PixelScoreModel(fusion, None)
    if fusion.needs == "pixels":
        return PixelModel(fusion, backbone)
    if fusion.needs == "stage":
        return StageModel(fusion, backbone)
    return SeparateModel(fusion, backbone, fusion.needs)
