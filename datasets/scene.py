"""What is drawn, before any pixel is painted: scenes of images, and drafts of pairs that a shift may change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

from bench.domain import Strata, uniforms

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Pose:
    """Where the figures lie.

    Attributes:
        x, y: (N,) float32, centroid in pixels from the upper left corner of the image.
        radius: (N,) float32, radius in pixels of the circle of equal area.
        angle: (N,) float32, radians.
    """

    x: Tensor
    y: Tensor
    radius: Tensor
    angle: Tensor

    def __getitem__(self, rows: slice | Tensor) -> Pose:
        return Pose(self.x[rows], self.y[rows], self.radius[rows], self.angle[rows])


@dataclass(frozen=True)
class Bar:
    """A straight bar across each image, in front of the figure.

    Attributes:
        angle: (N,) float32, of its direction. offset: (N,) float32, distance of its middle line from the figure's
            centroid in pixels. width: (N,) float32, in pixels. color: (N, 3) uint8.
    """

    angle: Tensor
    offset: Tensor
    width: Tensor
    color: Tensor

    def __getitem__(self, rows: slice) -> Bar:
        return Bar(self.angle[rows], self.offset[rows], self.width[rows], self.color[rows])


@dataclass(frozen=True)
class Scene:
    """N images, each one figure on a ground.

    Attributes:
        shape: (N,) int64, index into ``shapes``, the names of outlines.
        figure, ground: (N, 3, 32, 32) or (N, 3, 1, 1) uint8.
        latents: what else made them, one tensor of N rows per factor; a change of the surfaces leaves them as they were
            drawn.
        stroke: width of the outline in pixels where only the outline is drawn; 0 fills the figure.
        opacity: (N,) float32, how strongly the figure covers its ground.
        bar: what occludes the figures.
    """

    shape: Tensor
    shapes: tuple[str, ...]
    pose: Pose
    figure: Tensor
    ground: Tensor
    latents: dict[str, Tensor]
    stroke: float = 0.0
    opacity: Tensor | None = None
    bar: Bar | None = None

    def __len__(self) -> int:
        return len(self.shape)


SceneChange = Callable[[Scene, Tensor], Scene]


@dataclass(frozen=True)
class Draft:
    """Pairs on their way to pixels.

    Attributes:
        label: (N,) int64, 1 for same.
        key, start: of the random numbers of these rows.
        strata: kinds of pairs to report apart.
    """

    a: Scene
    b: Scene
    label: Tensor
    key: Key
    start: int
    strata: Strata | None = None

    def numbers(self, use: str, columns: int) -> Tensor:
        """Uniform numbers (N, columns) of these rows for one use; a row's numbers depend on nothing else."""
        return uniforms((*self.key, "shift", use), self.start, len(self.label), columns)

    def each(self, change: SceneChange, columns: int = 1) -> Draft:
        """The draft with ``change`` made to both scenes, each with ``columns`` numbers of its own."""
        return replace(self, a=change(self.a, self.numbers("a", columns)), b=change(self.b, self.numbers("b", columns)))

    def stratified(self, names: tuple[str, ...], index: Tensor) -> Draft:
        """The draft with the kinds of its pairs."""
        return replace(self, strata=Strata(names, index))


DraftChange = Callable[[Draft], Draft]
