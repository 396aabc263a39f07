"""A stored model for programs without fusebench: one graph from two batches of pixels to scores and probabilities."""

from __future__ import annotations

import io
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from bench.backbones import Preparation
from bench.domain import uniforms
from bench.errors import UsageError, message_of
from bench.fusion import MapShape
from bench.model import PairModel
from bench.models.calibration import Calibration
from bench.models.restore import StoredModel
from bench.sweep.inputs import draw
from bench.text import printable

NAMES = ("score", "probability")
# Pairs that the two are compared on, in batches of sizes that the graph was not made with.
COMPARED, BATCHES = 300, (1, 2, 41, 256)
# Of the spread of the scores, or of 1 where it is smaller: float32 itself is exact to 1e-7.
LARGEST_DIFFERENCE = 1e-4
EXAMPLES = 5
LONGEST_REASON = 200
UNCALIBRATED = Calibration()

Run = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class _Halves(TorchFunctionMode):
    """Splits batches of 2N into halves of N by their places: that ``chunk`` gives two is more than an export can
    prove for every N."""

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if function is Tensor.chunk and args[1:] == (2,) and not given.get("dim"):
            half = args[0].shape[0] // 2
            return args[0].narrow(0, 0, half), args[0].narrow(0, half, half)
        return function(*args, **given)


class _AtOneSize(Preparation):
    """A preparation for images that all have one shape: a trace reads no numbers off a shape."""

    def __init__(self, known: Preparation, image: MapShape) -> None:
        super().__init__(known.scale, known.size)
        self.__dict__["shape"] = known.enlarged(image)  # frozen

    def enlarge(self, images: Tensor) -> Tensor:
        size = self.__dict__["shape"].height, self.__dict__["shape"].width
        return F.interpolate(images, size, mode="bilinear", align_corners=False) if self.size else images


class Graph(nn.Module):
    """What is exported: uint8 images A and B (N, C, H, W) to scores (N,) and probabilities (N,), both float32."""

    def __init__(self, network: PairModel, offset: float = 0.0, calibration: Calibration = UNCALIBRATED) -> None:
        super().__init__()
        # The layout that every runtime has; it changes no value. What trains nothing takes no path made for training.
        self.network = deepcopy(network).lay_out(torch.contiguous_format).eval().requires_grad_(False)
        for tower in self.network.towers:
            tower.preparation = _AtOneSize(tower.preparation, tower.spec.image)
        self._offset, self._slope, self._intercept = offset, calibration.slope, calibration.intercept

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Scores with their 0, and probabilities. The first pair is scored twice: for a batch of one other rules hold
        than for all others."""
        with _Halves(), self.network.casting():
            found = self.network(torch.cat([a, a[:1]]), torch.cat([b, b[:1]]))[:-1]
        # As scores are shifted and calibrated elsewhere: not in float32.
        scores = (found.float().double() - self._offset).float()
        return scores, torch.sigmoid(self._slope * scores.double() + self._intercept).float()


@dataclass(frozen=True)
class Exported:
    """A model in another format.

    Attributes:
        content: of the file.
        difference: the largest one of a score to the original, as a share of the spread of the scores where that is
            above 1; None where nothing here can run the file.
        pairs: that it was measured on; on_test: whether these are test pairs of its domain, and not noise.
    """

    content: bytes
    difference: float | None
    pairs: int
    on_test: bool

    @property
    def is_faithful(self) -> bool:
        """Whether no score is further off than rounding explains."""
        return self.difference is None or self.difference <= LARGEST_DIFFERENCE


def export(stored: StoredModel, form: str) -> Exported:
    """The model in one of ``FORMATS``, read again from its file and compared with the original.

    Raises:
        UsageError: the format cannot express it, or what writes it is not installed.
    """
    a, b, on_test = _pairs(stored)
    graph = Graph(stored.model, stored.card.offset, stored.card.calibration)
    try:
        with quiet(), torch.no_grad():
            content, found = convert(graph, form, a, b)
    except UsageError:
        raise
    except Exception as error:
        others = " or ".join(name for name in FORMATS if name != form)
        raise UsageError(
            f"{stored.card.cell.fusion}: cannot be exported as {form}: {why_not(error)}; "
            f"--format {others} may express it"
        ) from None
    if found is None:
        return Exported(content, None, 0, on_test)
    return Exported(content, largest_difference(found, stored.scores(a, b)), len(found), on_test)


def convert(graph: Graph, form: str, a: Tensor, b: Tensor) -> tuple[bytes, NDArray[np.float32] | None]:
    """A file of that format, and the scores that it gives pairs in batches of several sizes; None where nothing here
    can run it. Raises whatever its writer or reader does.
    """
    write, read = FORMATS[form]
    content = write(graph, a[:EXAMPLES], b[:EXAMPLES])
    run = read(content)
    return content, None if run is None else _in_batches(run, a, b)


def why_not(error: Exception) -> str:
    """What an exporter says of a graph that it cannot express, in a line: of several what it lists, or the last."""
    lines = [line.strip() for line in message_of(error).splitlines() if line.strip()] or [""]
    listed = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
    told = listed[0] if listed else lines[-1] if "TorchScript" in lines[0] else lines[0]
    return printable(f"{type(error).__name__}: {told}", LONGEST_REASON)


def largest_difference(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Of scores (N,), as a share of their standard deviation where that is above 1: a steep scale changes no decision,
    and multiplies what is rounded before it."""
    return float(np.abs(found - expected).max() / max(1.0, float(expected.std())))


def _pairs(stored: StoredModel) -> tuple[Tensor, Tensor, bool]:
    """The first test pairs of its domain, or noise where that is not here."""
    try:
        cell = stored.cell
        split, seed, n = cell.draws("test")
        pairs = draw(cell.domain, split, seed, min(n, COMPARED))
        return pairs.a.pixels, pairs.b.pixels, True
    except UsageError:
        shape = stored.card.image
        pixels = uniforms(("export", stored.card.key), 0, 2 * COMPARED, int(np.prod(shape)))
        a, b = (256 * pixels).to(torch.uint8).view(-1, *shape).chunk(2)
        return a, b, False


def _in_batches(run: Run, a: Tensor, b: Tensor) -> NDArray[np.float32]:
    sizes = [*BATCHES, len(a) - sum(BATCHES)] if len(a) >= sum(BATCHES) else [1] * min(2, len(a)) + [len(a) - 2]
    parts = zip(*(side.split([size for size in sizes if size > 0]) for side in (a, b)), strict=True)
    found: NDArray[np.float32] = torch.cat([run(x, y)[0] for x, y in parts]).numpy()
    return found


def _capture(graph: Graph, a: Tensor, b: Tensor) -> torch.export.ExportedProgram:
    n = torch.export.Dim("n", min=1)
    return torch.export.export(graph, (a, b), dynamic_shapes=({0: n}, {0: n}), strict=False)


def _write_pt2(graph: Graph, a: Tensor, b: Tensor) -> bytes:
    buffer = io.BytesIO()
    torch.export.save(_capture(graph, a, b), buffer)
    return buffer.getvalue()


def _read_pt2(content: bytes) -> Run:
    run: Run = torch.export.load(io.BytesIO(content)).module()
    return run


def _write_torchscript(graph: Graph, a: Tensor, b: Tensor) -> bytes:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.trace(graph, (a, b), check_trace=False), buffer)
    return buffer.getvalue()


def _read_torchscript(content: bytes) -> Run:
    run: Run = torch.jit.load(io.BytesIO(content))
    return run


def _write_onnx(graph: Graph, a: Tensor, b: Tensor) -> bytes:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UsageError(f"--format onnx: {error.name} is not installed; pip install 'fusebench[onnx]'") from None
    program = torch.onnx.export(
        _capture(graph, a, b), dynamo=True, output_names=NAMES, verbose=False, external_data=False
    )
    assert program is not None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        program.save(file)
        return file.read_bytes()


def _read_onnx(content: bytes) -> Run | None:
    try:
        import onnxruntime
    except ImportError:
        return None
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]

    def run(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        scores, chances = session.run(list(NAMES), dict(zip(names, (a.numpy(), b.numpy()), strict=True)))
        return torch.from_numpy(scores), torch.from_numpy(chances)

    return run


@contextmanager
def quiet() -> Iterator[None]:
    """Without what exporters say of their own progress and plans."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(before)


# How each is written, and read again to be run.
FORMATS: Mapping[str, tuple[Callable[..., bytes], Callable[[bytes], Run | None]]] = {
    "onnx": (_write_onnx, _read_onnx),
    "pt2": (_write_pt2, _read_pt2),
    "torchscript": (_write_torchscript, _read_torchscript),
}
