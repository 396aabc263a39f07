"""Performance profiles: shares that are counted again, and which blocks count."""

import numpy as np
import pytest

from bench.plots.contract import Source
from bench.plots.profiles import Profiles, ProfilesPlot, draw_profiles, profiles_of
from bench.records.load import load_runs

SCORES = {("color", "a"): [0.9, 0.8], ("color", "b"): [0.85, 0.82], ("texture", "a"): [0.7], ("texture", "b"): [0.6]}


@pytest.fixture
def source(record, run_folder):
    records = [
        record(fusion, seed, value, domain=domain)
        for (domain, fusion), values in SCORES.items()
        for seed, value in enumerate(values)
    ]
    # A fusion that one domain lacks, and a seed that one fusion lacks, are left out.
    more = [record("only_color", seed, 0.99) for seed in range(2)] + [record("a", 5, 0.9)]
    return Source.of(load_runs([run_folder([*records, *more])]))


def test_distances_are_from_the_best_of_each_block(source):
    found = profiles_of(source.sections_by_backbone, "accuracy")
    assert set(found.fusions) == {"a", "b"}
    assert found.cases == 2
    by_name = dict(zip(found.fusions, found.behind.T, strict=True))
    np.testing.assert_allclose(sorted(by_name["a"]), [0, 0, 0.02], atol=1e-12)
    np.testing.assert_allclose(sorted(by_name["b"]), [0, 0.05, 0.1], atol=1e-12)


def test_a_staircase_ends_at_the_share_within_reach(source):
    ((_, draw),) = ProfilesPlot().jobs(source, "accuracy", ())
    axis = draw().axes[0]
    for line in axis.lines:
        behind = {"a": [0, 0, 2], "b": [0, 5, 10]}[line.get_label()]
        for x, y in zip(line.get_xdata()[1:], line.get_ydata()[1:], strict=True):
            assert y >= np.mean([value < x - 1e-9 for value in behind])
        assert line.get_ydata()[-1] == np.mean([value <= axis.get_xlim()[1] for value in behind])


def test_a_staircase_starts_at_the_share_of_blocks_in_which_it_is_the_best():
    behind = np.array([[0.0, 0.02, 0.01], [0.0, 0.0, 0.03], [0.0, 0.04, 0.05]])
    axis = draw_profiles("", Profiles(("best", "once", "never"), behind, 1, "seed"), "accuracy", ()).axes[0]
    corners = {line.get_label(): (line.get_xdata(), line.get_ydata()) for line in axis.lines}
    at_left = {name: y[x == 0].tolist() for name, (x, y) in corners.items()}
    assert at_left == {"best": [1.0], "once": [pytest.approx(1 / 3)], "never": [0.0]}
