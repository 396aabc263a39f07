"""Pictures as wide as a column of a paper: nothing over the edge or over a heading, and no room said in a line."""

import warnings

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from bench.plots.contract import PLOTS, Source
from bench.plots.gallery import draw, save
from bench.plots.style import Look
from tests.conftest import write_run

FUSIONS = ("abs_diff", "concat", "bilinear_low_rank", "cross_attention", "hadamard")
SWEEPS = {"sweep_radius": ("radius 2", "radius 8"), "sweep_noise": ("noise 0", "noise 0.3")}
CHECK = {"pairs": 64, "loss": 0.6, "auc": None, "f1": 0.8, "precision": 0.8, "recall": 0.8, "threshold": 0.0,
         "validated": 100, "gradients": {"stem": 1.0, "backbone.layer1": 0.4, "head": 2.0}}  # fmt: skip
COLUMN = 3.3  # inches, of a paper


def records_of(record, strata, pairs):
    rng = np.random.default_rng(0)
    roles = {**dict.fromkeys(FUSIONS, "embedding"), "name_then_xnor": "reference", "single_image": "control"}
    found = []
    for backbone in ("mobilenetv3_small_32", "resnet18"):
        for place, (fusion, family) in enumerate(roles.items()):
            for seed in range(10):
                level = float(0.95 - 0.03 * place + rng.normal(0, 0.01))
                abroad = {"texture": level - 0.1} | {f"color:shift={name}": level - 0.1 for name in SWEEPS}
                cost = {
                    "macs": 7_850_000 + 3_000_000 * place,
                    "parameters": 270_000 + 9_000 * place,
                    "infer_pairs_per_s": 2000.0 + 90 * place,
                }
                found.append(
                    record(fusion, seed, level, abroad=abroad, family=family, backbone=backbone, checks=[CHECK],
                           recipe_id=f"{pairs:08x}", train_pairs=pairs)
                )  # fmt: skip
                found[-1]["cost"] |= cost
                for name, levels in SWEEPS.items():
                    found[-1]["eval"][f"color:shift={name}"]["strata"] = strata(dict.fromkeys(levels, 0.5))
    return found


@pytest.fixture(scope="module")
def source(record, strata, tmp_path_factory):
    """Runs that have what all kinds of pictures need."""
    runs = tmp_path_factory.mktemp("runs")
    for run, pairs in enumerate((640, 6400)):
        records = records_of(record, strata, pairs)
        folder = write_run(runs / str(run), records)
        (folder / "scores").mkdir()
        scores = {"color": np.linspace(-2, 2, 40, dtype=np.float32), "color/label": np.arange(40, dtype=np.uint8) // 20}
        scores |= {name.replace("color", "texture"): values for name, values in scores.items()}
        for one in records:
            if one["seed"] == 0:
                np.savez(folder / "scores" / f"{one['key']}.npz", **scores)
    write_run(runs / "again", records, {"created": "2026-04-01T00:00:00"})
    return Source.read([runs])


def drawn(kind, source, width):
    figures, missing = draw([PLOTS.settle(kind).build()], source, "accuracy", (), Look(width))
    return figures, [line for line in missing if "too narrow" in line]


def boxes_of(figure):
    """What is written and where, in dots; without what stands on a tick beyond the ends of its axis."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    beyond = set()
    for axis in figure.axes:
        for one in (axis.xaxis, axis.yaxis):
            shown = set(map(id, one._update_ticks()))
            ticks = [*one.majorTicks, *one.minorTicks]
            beyond |= {id(text) for tick in ticks if id(tick) not in shown for text in (tick.label1, tick.label2)}
    for axis in figure.axes:
        beyond |= set() if axis.axison else {id(text) for text in axis.findobj(Text)}
    texts = [one for one in figure.findobj(Text) if one.get_visible() and one.get_text().strip()]
    return [(one, one.get_window_extent(renderer)) for one in texts if id(one) not in beyond]


@pytest.mark.parametrize("kind", list(PLOTS))
def test_nothing_is_cut_or_lies_on_another(kind, source, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures, missing = drawn(kind, source, COLUMN)
        shown = list(figures.values())[:2]
        for figure in shown:
            save(figure, tmp_path / "picture.png")
    assert figures, missing
    assert not missing
    for figure in shown:
        width_in, height_in = figure.get_size_inches() * figure.dpi
        boxes = boxes_of(figure)
        for text, box in boxes:
            inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width_in + 1 and box.y1 <= height_in + 1
            assert inside, f"{kind}: {text.get_text()!r} over the edge"
        for axis in (one for one in figure.axes if one.get_label() != "<colorbar>"):
            assert min(axis.get_window_extent().size) > 25, f"{kind}: no room for a panel"
        titles = {id(axis.title) for axis in figure.axes} | {id(text) for text in figure.texts}
        labels = {id(label) for axis in figure.axes for label in (axis.xaxis.label, *axis.get_xticklabels())}
        for place, (text, box) in enumerate(boxes):
            for other, beside in boxes[place + 1 :]:
                both = {id(text), id(other)}
                if both & titles or both <= labels:
                    apart = box.x1 <= beside.x0 or beside.x1 <= box.x0 or box.y1 <= beside.y0 or beside.y1 <= box.y0
                    assert apart, f"{kind}: {text.get_text()!r} and {other.get_text()!r}"


@pytest.mark.parametrize("kind", ["heatmap", "shifts"])
def test_a_kind_without_room_says_how_much_it_takes(kind, source):
    figures, missing = drawn(kind, source, 2.0)
    assert not figures
    assert all(line.startswith(f"{kind}: --width 2: too narrow, at least ") for line in missing)
    least = float(missing[0].rpartition(" ")[2])
    assert drawn(kind, source, least)[0]
