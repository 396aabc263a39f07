"""What a metric of one's own may be: by name, a number or none, and refused where it breaks the contract."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench import metrics as m
from bench import zoo
from bench.metrics import METRICS
from bench.registry import DuplicateNameError
from tests.scored import LABEL

MINE = '''
from bench.metrics import HIGHER, LOWER, NEITHER, Metric, register_metric


@register_metric
class Mine(Metric):
    """Half of it."""

    name, direction = "mine", LOWER

    def compute(self, scored):
        return {value}

    {more}
'''


def test_metrics_are_plain_numbers_by_name() -> None:
    rng = np.random.default_rng(0)
    values = m.evaluate(LABEL, *rng.normal(size=(2, 100)).astype(np.float32), 0.1, 0.2, rng.normal(size=100), 0.3)
    assert tuple(values) == m.metric_names()
    assert {type(value) for value in values.values()} == {float}


def test_what_is_not_defined_is_none(plugin: Callable[..., Path]) -> None:
    plugin(MINE.format(more="", value="float('nan')"))
    scores = np.linspace(-1, 1, 100)
    assert m.evaluate(LABEL, scores, scores, 0.0, 0.0)["mine"] is None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("name = 'strata'", "'strata' cannot be the name of a column"),
        ("name = 'efficiency'", "'efficiency' cannot be the name of a column"),
        ("name = 'a,b'", "'a,b' cannot be the name of a column"),
        ("direction = 2", "direction must be HIGHER, LOWER or NEITHER"),
        ("judged, unit = True, 'nats'", "only a share with a better direction can be judged"),
        ("judged, direction = True, NEITHER", "only a share with a better direction can be judged"),
        ("step = 0.01", "step(64) of the class fails (TypeError: "),
        ("step = lambda self, pairs: 1 / pairs", "step(64) of the class fails (TypeError: "),
        ("step = staticmethod(lambda pairs: float('nan'))", "step(64) is nan, expected a finite number from 0 on"),
        ("name = 'auc'", "two metrics are named 'auc'"),
        ("compute = Metric.compute", "metric Mine does not define compute"),
    ],
)
def test_a_metric_that_breaks_the_contract_is_refused(plugin: Callable[..., Path], more: str, message: str) -> None:
    path = plugin(MINE.format(more=more, value="0.0"), load=False)
    try:
        zoo.load([path])
        found = next(broken.error for broken in zoo.broken_plugins() if broken.path == path)
    except DuplicateNameError as error:
        found = str(error)
    assert message in found
    assert "mine" not in METRICS


def test_the_table_is_read_without_what_computes_it() -> None:
    code = "import sys, bench.metrics; print([n for n in ('numpy', 'scipy', 'sklearn', 'torch') if n in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
