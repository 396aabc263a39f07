"""What the repetitions of a picture are called: replicates where records are, in notes, legends and names."""

import numpy as np
import pytest
from matplotlib.text import Text

from bench.plots.contract import PLOTS, Source
from bench.plots.gallery import draw

LEVELS = {"concat": 0.9, "abs_diff": 0.95, "neg_l2": 0.7}
SWEEP = "color:shift=sweep_radius"
CHECK = {"pairs": 64, "loss": 0.6, "auc": None, "f1": 0.8, "precision": 0.8, "recall": 0.8, "threshold": 0.0,
         "validated": 100, "gradients": {"stem": 1.0}}  # fmt: skip


@pytest.fixture
def source(record, strata, run_folder):
    """Two runs that have what all kinds of pictures need; they differ in the number of training pairs alone."""

    def read(most, **fields):
        rng = np.random.default_rng(0)
        for run, pairs in enumerate((640, 6400)):
            records = [
                record(fusion, number, float(level + rng.normal(0, 0.01)), abroad={SWEEP: level - 0.1},
                       recipe_id=f"{run % 2:08x}", train_pairs=pairs, checks=[CHECK], **fields)
                for fusion, level in LEVELS.items()
                for number in range(most)
            ]  # fmt: skip
            for one in records:
                one["eval"][SWEEP]["strata"] = strata({"radius 2": 0.5, "radius 8": 0.5})
            folder = run_folder(records, f"runs/{run}")
            (folder / "scores").mkdir()
            scores = {"color": np.array([2.0, -1.0], np.float32), "color/label": np.array([1, 0], np.uint8)}
            for one in records:
                np.savez(folder / "scores" / f"{one['key']}.npz", **scores)
        # The same cells once more, from which a history is made.
        run_folder(records, "runs/again", {"created": "2026-04-01T00:00:00"})
        return Source.read([folder.parent])

    return read


def words_of(figure):
    return " ".join(" ".join(text.get_text().split()) for text in figure.findobj(Text))


def drawn(kind, source):
    figures, missing = draw([PLOTS.settle(kind).build()], source, "accuracy")
    return " ".join(map(words_of, figures.values())), missing


@pytest.mark.parametrize("kind", list(PLOTS))
def test_replicates_are_never_called_seeds(source, kind):
    said, missing = drawn(kind, source(10, repeats="replicate"))
    assert "replicate" in said, missing
    assert "seed" not in said.replace("replicates", "")


def test_few_are_called_by_what_they_are(source):
    said, _ = drawn("forest", source(2, repeats="replicate"))
    assert "too few replicates to tell any apart" in said
    assert "too few replicates to infer from" in said


def test_seeds_stay_seeds(source):
    said, _ = drawn("bars", source(10))
    assert "10 seeds; line: 95 % t interval over seeds;" in said


@pytest.mark.parametrize("kind", ["bars", "heatmap", "shifts"])
def test_a_reference_with_fewer_seeds_does_not_make_the_fusions_too_few(record, run_folder, kind):
    records = [record(fusion, seed, 0.9, abroad={SWEEP: 0.8}) for fusion in LEVELS for seed in range(3)]
    records.append(record("mask_oracle", 0, 0.99, family="reference", abroad={SWEEP: 0.9}))
    said, missing = drawn(kind, Source.read([run_folder(records)]))
    assert "3 seeds;" in said, missing
    assert "too few" not in said
