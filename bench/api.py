"""The Python interface for notebooks and scripts: what the command line does, as functions and data frames.

``import bench`` offers these names and those that plug-ins are written with; nothing is imported before it is used.
"""

from __future__ import annotations

import base64
import inspect
import io
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bench.errors import UsageError
from bench.sweep.config import SweepConfig, load_config

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from bench.models.restore import StoredModel
    from bench.records.load import Run
    from bench.report.report import Report

METRICS = ("accuracy", "f1", "auc")
F = TypeVar("F", bound=Callable[..., Any])


def _takes_settings(function: F) -> F:
    """Show the fields of the configuration in place of ``settings``, for completion and help in notebooks."""
    own = [one for one in inspect.signature(function).parameters.values() if one.kind is one.KEYWORD_ONLY]
    fields = inspect.signature(SweepConfig).parameters.values()
    function.__signature__ = inspect.Signature([*fields, *own])  # type: ignore[attr-defined]
    return function


@_takes_settings
def run(*, config: str | Path | Sequence[str | Path] | None = None, progress: bool = True, **settings: Any) -> Results:
    """Train and evaluate every combination that has no record yet, as ``bench run`` does.

    A cell that fails is a row of :meth:`Results.frame` with its ``status`` and ``message``, and raises nothing.
    Workers import the main module: a script calls this below ``if __name__ == "__main__":``, or with ``jobs=0``. A
    plug-in lives in a file of its own, which ``include`` names.

    Args:
        config: YAML file, built-in configuration by name, or ``run.json`` of an earlier run; of several a later one
            wins, and ``settings`` win over all.
        progress: whether the plan, the progress and the summary are shown.
        settings: fields of :class:`SweepConfig`, such as ``fusion=["concat", "abs_diff"], seed=range(5)``.

    Returns:
        Everything in the folder ``out``, earlier runs in it included.

    Raises:
        UsageError: bad input; nothing was run or lost.
        KeyboardInterrupt: it was interrupted; what finished is saved, and the same call goes on.
    """
    from rich.console import Console

    from bench.sweep.run import run_sweep
    from bench.sweep.summary import FAILED, OK

    given = {name: value for name, value in settings.items() if value is not None}
    files = [config] if isinstance(config, str | Path) else config or ()
    checked = load_config(given, *map(Path, files), where=lambda key: "bench.run")
    command = [*_command(given), *(part for file in files for part in _option("config", file))]
    if run_sweep(checked, command, Console(stderr=True, quiet=not progress)) not in (OK, FAILED):
        raise KeyboardInterrupt
    return load(checked.out)


def load(*paths: str | Path) -> Results:
    """Read run folders, or folders of run folders, together. What of them is lost is told in warnings.

    Raises:
        UsageError: there is nothing to read, or a file cannot be read or is of another schema.
    """
    from bench.records.load import damage, load_runs

    runs = load_runs(map(Path, paths or ("results",)))
    for sentence in damage(runs):
        warnings.warn(sentence, stacklevel=2)
    return Results(runs)


def load_model(path: str | Path, include: Iterable[str | Path] = ()) -> StoredModel:
    """A trained model that ``bench run --save`` kept. Called with images, as paths, PIL images, arrays or tensors, it
    compares them: ``bench.load_model(path)(a, b).probabilities``.

    Args:
        path: its file, a run folder and the start of its key (``results/main/0f71``), or a folder that holds a single
            one.
        include: files of plug-ins that it was built from.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    from bench import zoo
    from bench.models.restore import restore

    zoo.load(include)
    return restore(Path(path))


class Results:
    """The records of one or more runs, read together: the latest attempt at each cell.

    Attributes:
        runs: as read, with their folders and headers.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = tuple(runs)

    def frame(self) -> pd.DataFrame:
        """One tidy row per cell and domain tested on: coordinates, status, metrics, costs, times, recipe.

        A cell without a result has one row, for the domain trained on, without metrics.
        """
        from bench.records.frame import frame_of

        return frame_of(self.runs)

    def table(self, metrics: Iterable[str] = METRICS, baseline: str | None = None, margin: float | None = None) -> str:
        """The tables of ``bench report`` as Markdown.

        Args:
            metrics: to show; the first one orders the rows.
            baseline: fusion that all others are compared with, if any.
            margin: difference of no interest, in points; by default what the runs declare.

        Raises:
            UsageError: an unknown metric or baseline.
        """
        return self.render("md", metrics, baseline, margin)

    def render(
        self, form: str, metrics: Iterable[str] = METRICS, baseline: str | None = None, margin: float | None = None
    ) -> str:
        """The report in any format of ``bench report``, such as ``tex`` or ``html``; arguments as of :meth:`table`."""
        from bench.formats import choose_format
        from bench.report.formats import REPORT_FORMATS

        return choose_format(REPORT_FORMATS, form).render(self._report(metrics, baseline, margin))

    def compare(self, baseline: str, metric: str = "accuracy", margin: float | None = None) -> pd.DataFrame:
        """Every fusion minus ``baseline``, paired by seed or replicate.

        One row per table, domain tested on, backbone and fusion. Columns, beside those that name the row: ``n_shared``
        seeds or replicates, ``difference`` with its 95 % interval (``difference_low``, ``difference_high``), ``p`` of
        the paired t test, ``p_holm`` adjusted over the table, the ``verdict`` (better, worse, equivalent, inconclusive,
        or too few seeds, which replicates may be, too), ``smallest_detectable`` difference, ``p_better``, the share of
        ``n_shared`` that were better, with its interval, ``p_equivalent`` and ``p_sign_flip`` adjusted as ``p_holm``,
        and whether the sign-flip test makes the verdict ``disputed``. Differences are in the unit of the metric.

        Args:
            margin: difference of no interest, in points; by default what the runs declare.

        Raises:
            UsageError: an unknown metric or baseline.
        """
        import pandas as pd

        from bench.report.against_baseline import COMPARED, as_dict

        table = ("domain", "protocol", "warmup", "warmup_seed", "repeats", "recipe_id")
        rows: list[dict[str, Any]] = []
        for section, compared in self._report([metric], baseline, margin).compared:
            for comparison in map(as_dict, compared):
                conditions = {name: getattr(section, name) for name in table} | comparison
                rows += [conditions | verdict | {"compared_by": metric} for verdict in comparison["fusions"]]
        found = pd.DataFrame(rows, columns=[*table, "backbone", "fusion", "eval_domain", *COMPARED, "margin"])
        return found.astype({name: "float64" for name in COMPARED if name.startswith(("difference", "p", "smallest"))})

    def plot(self, kind: str, metric: str = "accuracy", fusion: Iterable[str] = ()) -> Pictures:
        """Draw one of the kinds of ``bench plot``, such as ``bars``: a picture per table, or per backbone of a table.

        Args:
            fusion: those to draw, beside references and controls; all for none.

        Raises:
            UsageError: an unknown kind or metric, or nothing that can be drawn.
        """
        from bench.metrics import metric_names
        from bench.plots.contract import PLOTS, Source
        from bench.plots.gallery import draw
        from bench.records.columns import choose_one

        plots = [choice.build() for choice in PLOTS.resolve([kind])]
        fusions = tuple(fusion)
        chosen = choose_one(metric, metric_names(), "metric")
        drawn, missing = draw(plots, Source.of(self.runs, chosen).chosen((), fusions), chosen, fusions)
        if not drawn:
            raise UsageError("; ".join(missing))
        for line in missing:
            warnings.warn(f"not drawn: {line}", stacklevel=2)
        return Pictures(drawn)

    def _report(self, metrics: Iterable[str], baseline: str | None, margin: float | None) -> Report:
        from bench.records.columns import COSTS, choose_metrics
        from bench.records.margins import checked, margin_of
        from bench.report.report import build

        declared = margin_of((run.header for run in self.runs if baseline and margin is None), "equivalence_margin")
        chosen = choose_metrics(",".join([metrics] if isinstance(metrics, str) else metrics))
        return build(self.runs, chosen, tuple(COSTS), baseline, declared if margin is None else checked(margin))

    def __repr__(self) -> str:
        cells = sum(len(run.cells) for run in self.runs)
        return f"<Results: {cells} cells of {', '.join(str(run.folder) for run in self.runs)}>"

    def _repr_markdown_(self) -> str:
        return self.table()


class Pictures(dict[str, "Figure"]):
    """Matplotlib figures by name; a notebook shows them all."""

    def save(self, folder: str | Path, suffix: str = "png") -> None:
        """Write each to a file of its name, in one step.

        Raises:
            StorageError: one cannot be written.
        """
        from bench.plots.gallery import save

        for name, figure in self.items():
            save(figure, Path(folder) / f"{name}.{suffix}")

    def _repr_html_(self) -> str:
        return "\n".join(f'<img alt="{name}" src="data:image/png;base64,{_png(one)}">' for name, one in self.items())


def _png(figure: Figure) -> str:
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return base64.b64encode(content.getvalue()).decode()


def _command(given: Mapping[str, Any]) -> list[str]:
    """The command line that does the same, for ``run.json`` and for the hint how to go on."""
    recipe = dict(given.get("recipe", {}))
    weights = recipe.pop("auxiliary", {})
    spread = {**given, "recipe": recipe, "aux": weights}
    return ["bench", "run", *(part for name, value in spread.items() if value != {} for part in _option(name, value))]


def _option(name: str, value: Any) -> list[str]:
    option = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [option if value else f"--no-{option[2:]}"]
    if isinstance(value, Mapping):
        value = [f"{key}={own}" for key, own in value.items()]
    is_one = isinstance(value, str | Path) or not isinstance(value, Iterable)
    return [option, str(value) if is_one else ",".join(map(str, value))]
