"""The picture of shifts: names at the right end of their lines, and what leads to them."""

import itertools

from matplotlib.text import Annotation, Text

from bench.plots.contract import Source
from bench.plots.shifts import Shifts


def test_no_line_to_a_name_crosses_another_name(record, run_folder):
    # Ends that lie close, so that the names are far from them.
    records = [
        record(f"fusion_{number}", seed, 0.9, abroad={"texture": 0.7 + number / 1000})
        for number in range(6)
        for seed in range(3)
    ]
    ((_, draw),) = Shifts().jobs(Source.read([run_folder(records)]), "accuracy", ())
    figure = draw()
    figure.draw_without_rendering()
    names = [one for one in figure.axes[0].texts if isinstance(one, Annotation) and one.arrow_patch]
    assert len(names) == 6
    boxes = [Text.get_window_extent(one) for one in names]
    for (one, _), (other, box) in itertools.permutations(zip(names, boxes, strict=True), 2):
        assert not one.arrow_patch.get_window_extent().overlaps(box), (one.get_text(), other.get_text())
