"""The template oracle: how well each shape explains an image of one plain figure on a plain ground.

It knows how images are made, not what was drawn: for every shape it looks for the place, size and angle whose drawing,
in the two colours that fit best, leaves the smallest residual. A disc finds place and size first, because all shapes
are equal in area and centroid; each shape is turned, moved and resized from there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from .renderer import IMAGE_SIZE, coverage, max_radius, signed_distances
from .scene import Pose
from .shapes import TABLE_EXTENT, circumradius, distance_table

BATCH = 128
DISC = "circle"
MIN_RADIUS, RADIUS_RATIO = 1.8, 1.2  # of the smallest disc in pixels; from each disc to the next

TURNS = 60  # angles to begin from, a multiple of the common orders of symmetry
VIEW_SIZE, VIEW_EXTENT, VIEW_EDGE = 18, 1.7, 0.35  # in pixels, and in radii of the figure
ALIKE = 0.999  # correlation of a shape with itself after a turn that leaves it unchanged

DISC_STEPS, SHAPE_STEPS = 2, 3
LONGEST_STEP = 1.0  # in pixels: edges one pixel wide say nothing about what lies farther away
DAMPING, RIDGE = 0.01, 0.01
# Residual deviation in units of the contrast from which the angle that matches best is often not the right one.
NOISY = 0.25

# Of a byte rounded to nearest and of as much error of the fit again, on the scale from 0 to 1.
PAINTING_VARIANCE = 2 / 12 / 255**2
# Deviation of x, y and radius in pixels over all images.
PRIOR_DEVIATION = (9.0, 9.0, 1.4)


@dataclass(frozen=True)
class Fit:
    """Drawings of one shape with contrast 1, one for each image seen as one channel.

    Attributes:
        pose: (N, 4) float32, x, y and radius in pixels, angle in radians.
        explained: (N,) float32, sum of squares that the drawing explains.
        slope: (N, 4) float32, how fast the drawing improves with x, y, radius and length of arc, in pixels.
        information: (N, 4, 4) float32, products of the derivatives of the drawing by these four, summed over pixels.
    """

    pose: Tensor
    explained: Tensor
    slope: Tensor
    information: Tensor

    def improve(self, rows: Tensor | slice, other: Fit) -> Tensor:
        """Take over those of ``other``, drawings of ``rows``, that explain more; returns which, (len(other),) bool."""
        better = other.explained > self.explained[rows]
        for name, theirs in vars(other).items():
            mine = getattr(self, name)
            mine[rows] = torch.where(better.view(-1, *[1] * (mine.ndim - 1)), theirs, mine[rows])
        return better


def log_likelihoods(pixels: Tensor, shapes: tuple[str, ...]) -> Tensor:
    """Log-likelihood of each shape, up to a constant per image; a row depends on its image only.

    Colours and the noise of each channel take the values that fit best. Place, size and angle are integrated out
    around the best fit (Laplace's approximation); else a shape that can be turned would fit noise better than a disc.

    Args:
        pixels: (N, 3, 32, 32) uint8.
        shapes: names of outlines.

    Returns:
        (N, len(shapes)) float32.
    """
    scores = torch.empty(len(pixels), len(shapes))
    for rows, images in _batches(pixels):
        for column, (shape, fit) in enumerate(zip(shapes, _fits(images, shapes), strict=True)):
            scores[rows, column] = _evidence(images, shape, fit)[: len(scores[rows])]
    return scores


def fitted_poses(pixels: Tensor, shapes: tuple[str, ...]) -> Tensor:
    """Where each shape explains most of each image of ``pixels`` (N, 3, 32, 32) uint8.

    Returns:
        (N, len(shapes), 4) float32: x, y and radius in pixels, angle in radians.
    """
    poses = torch.empty(len(pixels), len(shapes), 4)
    for rows, images in _batches(pixels):
        for column, fit in enumerate(_fits(images, shapes)):
            poses[rows, column] = fit.pose[: len(poses[rows])]
    return poses


def _batches(pixels: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Rows and their images (BATCH, 3, P) float32, without the mean of each channel, so that no ground is left to fit.

    The last batch is filled up: matrix products round by the size of a batch, and the scores would depend on it.
    """
    for start in range(0, len(pixels), BATCH):
        part = pixels[start : start + BATCH].flatten(2)
        images = F.pad(part, (0, 0, 0, 0, 0, BATCH - len(part))).float() / 255
        yield slice(start, start + BATCH), images - images.mean(2, keepdim=True)


def _evidence(images: Tensor, shape: str, fit: Fit) -> Tensor:
    drawn = _drawn(shape, fit.pose)
    contrast = (images @ drawn[:, :, None]) / _positive(drawn.square().sum(1))[:, None, None]
    # A variance for each channel: noise clipped at black or white is weaker.
    variance = (images - contrast * drawn[:, None]).square_().mean(2) + PAINTING_VARIANCE
    log_likelihood = -0.5 * images.shape[2] * variance.log().sum(1)
    information = (contrast[:, :, 0].square() / variance).sum(1)[:, None, None] * fit.information
    period = len(_turned(shape)) * (2 * math.pi / TURNS)
    # A Gaussian with the peak density of the uniform distribution of angles.
    arc = fit.pose[:, 2:3] * (period / math.sqrt(2 * math.pi))
    prior = torch.cat([torch.tensor(PRIOR_DEVIATION).expand(len(arc), 3), arc], dim=1)
    return log_likelihood - 0.5 * torch.logdet(torch.eye(4) + prior[:, :, None] * information * prior[:, None, :])


def _fits(images: Tensor, shapes: tuple[str, ...]) -> list[Fit]:
    disc, contrast = _first_disc(images)
    # One channel, along the line between the two colours; figure and ground are 1 apart.
    seen = (contrast[:, None] / _positive(contrast.square().sum(1))[:, None, None] @ images)[:, 0]
    fit = _refined(seen, DISC, disc, DISC_STEPS)
    noisy = (seen.square().sum(1) - fit.explained > NOISY**2 * seen.shape[1]).nonzero()[:, 0]
    view = _view(seen, fit.pose)
    return [_turned_fit(seen, shape, fit.pose, view @ _turned(shape).T, noisy) for shape in shapes]


def _turned_fit(seen: Tensor, shape: str, place: Tensor, match: Tensor, noisy: Tensor) -> Fit:
    """The best fit from the angle that matches best and, in the ``noisy`` images, from the second peak as well."""
    peaks = torch.where((match >= match.roll(1, 1)) & (match >= match.roll(-1, 1)), match, -torch.inf)
    angles = peaks.topk(min(2, match.shape[1]), dim=1).indices * (2 * math.pi / TURNS)
    fit = _refined(seen, shape, torch.cat([place[:, :3], angles[:, :1]], dim=1), SHAPE_STEPS)
    if len(noisy) and angles.shape[1] > 1:
        start = torch.cat([place[:, :3], angles[:, 1:]], dim=1)[noisy]
        fit.improve(noisy, _refined(seen[noisy], shape, start, SHAPE_STEPS))
    return fit


@cache
def _discs() -> tuple[Tensor, Tensor, Tensor]:
    """Discs all over the frame: poses (D, 4), drawings divided by their norms (D, P) and the norms (D,)."""
    grids, radius = [], MIN_RADIUS
    while radius <= max_radius(1.0):
        spacing = min(max(1.0, radius / 5), 2.0)
        axis = torch.linspace(radius, IMAGE_SIZE - radius, math.ceil((IMAGE_SIZE - 2 * radius) / spacing) + 1)
        grids.append(torch.cartesian_prod(axis, axis, torch.tensor([radius]), torch.zeros(1)))
        radius *= RADIUS_RATIO
    poses = torch.cat(grids)
    drawn = torch.cat([_drawn(DISC, part) for part in poses.split(BATCH)])
    norm = drawn.norm(dim=1)
    return poses, drawn.div_(norm[:, None]), norm


def _first_disc(images: Tensor) -> tuple[Tensor, Tensor]:
    """The disc that explains most of each image, among a few thousand: its pose (N, 4) and contrast (N, 3)."""
    poses, discs, norm = _discs()
    # Pooled, because the line between the two colours stands out from noise then.
    pooled = F.avg_pool2d(images.unflatten(2, (IMAGE_SIZE, IMAGE_SIZE)), 4).flatten(2)
    line = torch.linalg.eigh(pooled @ pooled.transpose(1, 2)).eigenvectors[:, :, -1]
    best = ((line[:, None] @ images)[:, 0] @ discs.T).square_().argmax(1)
    return poses[best], (images @ discs[best][:, :, None])[:, :, 0] / norm[best, None]


@cache
def _view_grid() -> Tensor:
    """Points x, y in radii of the figure: (VIEW_SIZE, VIEW_SIZE, 2)."""
    axis = torch.linspace(-VIEW_EXTENT, VIEW_EXTENT, VIEW_SIZE)
    return torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)


def _view(seen: Tensor, pose: Tensor) -> Tensor:
    """The images as they look from each figure, moved and resized but not turned: (N, VIEW_SIZE^2)."""
    points = pose[:, None, None, :2] + pose[:, None, None, 2:3] * _view_grid()
    images = seen.view(-1, 1, IMAGE_SIZE, IMAGE_SIZE)
    return F.grid_sample(images, points * (2 / IMAGE_SIZE) - 1, padding_mode="border", align_corners=False).flatten(1)


@cache
def _turned(shape: str) -> Tensor:
    """Views of a shape of norm 1, turned by 1 / TURNS more each, until it looks as at first: (T, VIEW_SIZE^2)."""
    angle = torch.arange(TURNS) * (2 * math.pi / TURNS)
    cos, sin = torch.cos(angle), torch.sin(angle)
    turn = torch.stack([cos, -sin, sin, cos], dim=1).view(TURNS, 1, 2, 2)
    table = distance_table((shape,))[None].expand(TURNS, -1, -1, -1)
    distance = F.grid_sample(table, _view_grid() @ turn / TABLE_EXTENT, padding_mode="border", align_corners=True)
    drawn = (0.5 - distance / VIEW_EDGE).clamp(0, 1).flatten(1)
    views = F.normalize(drawn - drawn.mean(1, keepdim=True), dim=1)
    likeness = views @ views[0]
    return views[: next(n for n in range(1, TURNS + 1) if TURNS % n == 0 and likeness[::n].min() > ALIKE)]


def _refined(seen: Tensor, shape: str, start: Tensor, steps: int) -> Fit:
    """The search of Levenberg and Marquardt for the pose that explains most of images ``seen`` (N, P)."""
    fit = _fit_at(seen, shape, _inside(start, shape))
    damping = seen.new_full((len(seen), 1), DAMPING)
    for _ in range(steps):
        diagonal = fit.information.diagonal(dim1=1, dim2=2)
        step = torch.linalg.solve(fit.information + torch.diag_embed(damping * diagonal + RIDGE), fit.slope)
        step.clamp_(-LONGEST_STEP, LONGEST_STEP)[:, 3] /= fit.pose[:, 2]
        better = fit.improve(slice(None), _fit_at(seen, shape, _inside(fit.pose + step, shape)))
        damping = torch.where(better[:, None], damping / 3, damping * 10)
    return fit


def _inside(pose: Tensor, shape: str) -> Tensor:
    """The pose with the figure no larger than the frame, and in it."""
    reach = circumradius(shape)
    radius = pose[:, 2:3].clamp(MIN_RADIUS / RADIUS_RATIO, IMAGE_SIZE / 2 / reach)
    place = torch.maximum(torch.minimum(pose[:, :2], IMAGE_SIZE - reach * radius), reach * radius)
    return torch.cat([place, radius, pose[:, 3:]], dim=1)


def _fit_at(seen: Tensor, shape: str, pose: Tensor) -> Fit:
    """The drawings at these poses."""
    products = _derivatives(seen, shape, pose)
    products = products @ products.transpose(1, 2)
    drawing, across, image = products[:, 0, 0], products[:, 0, 1:5], products[:, 5]
    contrast = image[:, 0] / _positive(drawing)
    # The contrast is free: what of a derivative only fades the drawing does not count.
    information = products[:, 1:5, 1:5] - across[:, :, None] * across[:, None] / _positive(drawing)[:, None, None]
    slope = image[:, 1:5] - across * contrast[:, None]
    slope /= torch.where(contrast.abs() < 1e-6, 1.0, contrast)[:, None]
    return Fit(pose, contrast * image[:, 0], slope, information)


def _derivatives(seen: Tensor, shape: str, pose: Tensor) -> Tensor:
    """Coverage, its derivatives by x, y, radius and arc, and the image, each without its mean: (N, 6, P)."""
    at = _as_pose(pose)
    distance = signed_distances(torch.zeros(len(pose), dtype=torch.long), at, (shape,))
    rows = distance.new_zeros(len(pose), 6, IMAGE_SIZE, IMAGE_SIZE)
    alpha, by_x, by_y, by_radius, by_arc, image = rows.unbind(1)
    alpha.copy_(0.5 - distance).clamp_(0, 1)
    on_edge = distance.abs() < 0.5
    half = on_edge * 0.5
    torch.mul(distance[:, :, 2:] - distance[:, :, :-2], half[:, :, 1:-1], out=by_x[:, :, 1:-1])
    torch.mul(distance[:, 2:] - distance[:, :-2], half[:, 1:-1], out=by_y[:, 1:-1])
    centres = torch.arange(IMAGE_SIZE, dtype=torch.float32) + 0.5
    dx = ((centres - at.x[:, None]) / at.radius[:, None])[:, None, :]
    dy = ((centres - at.y[:, None]) / at.radius[:, None])[:, :, None]
    torch.sub(by_x * dx + by_y * dy, distance * on_edge / at.radius[:, None, None], out=by_radius)
    torch.sub(by_y * dx, by_x * dy, out=by_arc)
    image.copy_(seen.view_as(image))
    flat = rows.flatten(2)
    return flat.sub_(flat.mean(2, keepdim=True))


def _drawn(shape: str, pose: Tensor) -> Tensor:
    """Coverage (N, P) of a shape without its mean."""
    alpha = coverage(torch.zeros(len(pose), dtype=torch.long), _as_pose(pose), (shape,)).flatten(1)
    return alpha - alpha.mean(1, keepdim=True)


def _as_pose(pose: Tensor) -> Pose:
    return Pose(*pose.unbind(1))


def _positive(norm: Tensor) -> Tensor:
    """A squared norm to divide by, where an image may be of one colour only."""
    return norm.clamp_min(1e-6)
