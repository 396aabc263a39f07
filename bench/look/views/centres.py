"""Where an auxiliary head finds the centres of figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.domain import Domain, build_domain
from bench.errors import NotApplicableError
from bench.look.contract import WIDTH, Picture, View, register_view, within
from bench.look.panels import as_picture
from bench.look.subject import Rows, Subject
from bench.model.encodings import pooled
from bench.plots.contract import NothingToDrawError
from bench.plots.style import new_figure
from bench.registry import Choice
from bench.sweep.inputs import ENCODE_BATCH, draw
from bench.training.auxiliary import Centre, missing_latents

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 4
HEAD = "centre"


@dataclass(frozen=True)
class Located:
    """The images A and then B of the test pairs of a domain, and where their figures are.

    Attributes:
        pixels: (N, C, H, W) uint8.
        true, predicted: (N, 2) float64, pixels from the upper left corner.
    """

    pixels: Tensor
    true: NDArray[np.float64]
    predicted: NDArray[np.float64]

    @property
    def off(self) -> NDArray[np.float64]:
        """(N,) distance between the two, in pixels."""
        return np.asarray(np.linalg.norm(self.predicted - self.true, axis=1))

    @property
    def rmse(self) -> float:
        """The root mean square of it."""
        return math.sqrt(float(np.square(self.off).mean()))

    @property
    def explained(self) -> float:
        """Share of the variance of the true centres; NaN where they do not vary."""
        spread = float(self.true.var(0).sum())
        return 1 - self.rmse**2 / spread if spread else math.nan


@register_view
class Centres(View):
    """The best and the worst predictions of a centre head, on this domain and on the others that it was tested on.

    Args:
        most: images of each gallery.
    """

    name = "centres"

    def __init__(self, most: int = 12) -> None:
        self._most = within(type(self), "most", most, 1)

    def pictures(self, subject: Subject) -> Iterable[Picture]:
        if HEAD not in subject.stored.auxiliary.weights:
            raise NothingToDrawError(f"no head {HEAD} was trained beside it")
        for choice in dict.fromkeys([subject.choice, *subject.stored.cell.eval_domains]):
            yield from self._drawn(subject.stored.cell.name_of(choice), located(subject, choice))

    def _drawn(self, domain: str, found: Located) -> Iterator[Picture]:
        facts = f"{found.rmse:.2f} px root mean square, {found.explained:.3f} of the variance explained"
        for end, rows in ends(found.off, self._most).items():
            title = f"{end} centres on {domain}"
            text = f"Ring: true centre; cross: predicted one. All {len(found.off):,} images of the test pairs: {facts}."
            yield Picture(title, text, draw_centres(title, found, rows))


def ends(off: NDArray[np.float64], most: int) -> dict[str, Rows]:
    """The images with the smallest errors (N,), the smallest first, and those with the largest, the largest first."""
    order = np.argsort(off, kind="stable")
    return {"Best": order[:most], "Worst": order[::-1][:most]}


def located(subject: Subject, choice: Choice[Domain]) -> Located:
    """What the head predicts of the test pairs of a domain.

    Raises:
        NothingToDrawError: the file has no heads, or the place of the figures is not known.
    """
    stored, model = subject.stored, subject.stored.model
    pairs = subject.pairs if choice == subject.choice else draw(choice, *stored.cell.draws("test"))
    sides = pairs.a, pairs.b
    lacking = missing_latents({HEAD: 1.0}, pairs.a.latents.keys() & pairs.b.latents.keys())
    if lacking or build_domain(choice).image != stored.card.shape:
        raise NothingToDrawError(f"{stored.cell.name_of(choice)}: {lacking or 'its images have another shape'}")
    pixels = torch.cat([side.pixels for side in sides])
    try:
        with torch.inference_mode(), model.casting():
            encoded = torch.cat([pooled(model.encode(part)).float() for part in pixels.split(ENCODE_BATCH)])
    except NotApplicableError as reason:
        raise NothingToDrawError(str(reason)) from None
    predicted = stored.read_out(HEAD, encoded)
    if predicted is None:
        raise NothingToDrawError("its heads were not kept: an earlier version wrote the file")
    readout = stored.auxiliary.readouts[HEAD]
    assert isinstance(readout, Centre)
    true = torch.cat([readout.target(side.latents) for side in sides])
    return Located(pixels, *(readout.pixels(one).double().numpy() for one in (true, predicted)))


def draw_centres(title: str, found: Located, rows: Rows) -> Figure:
    """Images with a ring at the true centre, a cross at the predicted one, and the distance in pixels above them."""
    lines = math.ceil(len(rows) / COLUMNS)
    figure = new_figure(WIDTH, 0.3 + 1.2 * lines, title)
    axes = figure.subplots(lines, COLUMNS, squeeze=False).flat
    for axis, row in zip(axes, rows.tolist(), strict=False):
        image = as_picture(found.pixels[row])
        axis.imshow(image, interpolation="nearest")
        # Black with a white rim: seen on any colour. Places count from the corner of the first pixel.
        for colour, width in (("white", 3.0), ("black", 1.2)):
            for place, mark in ((found.true[row], "o"), (found.predicted[row], "x")):
                x, y = place - 0.5
                axis.plot(x, y, mark, color=colour, markersize=8, markerfacecolor="none", markeredgewidth=width)
        axis.set_title(f"{found.off[row]:.2f} px off", fontsize=8.5, pad=3)
        # A cross may lie far outside.
        axis.set_xlim(-0.5, image.shape[1] - 0.5)
        axis.set_ylim(image.shape[0] - 0.5, -0.5)
        axis.set_axis_off()
    for axis in list(figure.axes)[len(rows) :]:
        axis.set_axis_off()
    return figure
