"""Base of the fusions that join two feature maps into one, before the pooling or inside the backbone."""

from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, MapShape

DEEPEST = -1


def map_at(spec: FeatureSpec, stage: int) -> MapShape:
    """Shape of the map after a stage; -1 is the deepest map of at least 4x4."""
    return spec.map if stage == DEEPEST else spec.stage(stage)


class MapJoin(Fusion):
    """Two maps become one: ``J = join(P, Q)``, (B, C, H, W) twice -> (B, joined, H, W).

    - ``stage=-1``: P and Q are the deepest maps of at least 4x4, and ``f = mean_xy(relu(conv3x3(J)))`` is (B, width).
    - ``stage=k``: P and Q come from stage k, and J goes on through the backbone; where the join changed the number of
      channels, a 1x1 convolution brings it back to C.
    """

    family = "map"

    def __init__(self, spec: FeatureSpec, stage: int, width: int, joined: int | None = None) -> None:
        super().__init__(out_dim=width if stage == DEEPEST else spec.dim)
        self.needs, self.stage = ("map" if stage == DEEPEST else "stage"), stage
        self.shape = map_at(spec, stage)
        channels = self.shape.channels
        if stage == DEEPEST:
            self.convolution: nn.Module = nn.Conv2d(joined or channels, width, 3, padding=1)
        else:
            # No bias: where the next stage starts with a 1x1 convolution, its BatchNorm would cancel it.
            self.convolution = nn.Conv2d(joined, channels, 1, bias=False) if joined else nn.Identity()

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        joined = self.convolution(self.join(a, b))
        return joined.relu().mean((2, 3)) if self.needs == "map" else joined

    def join(self, p: Tensor, q: Tensor) -> Tensor:
        """Join the maps P and Q, (B, C, H, W) each, into one of the same height and width."""
        raise TypeError(f"{type(self).__name__} does not define join")
