"""``profile``: a trace of a few training steps of every cell, and the operators that take the time."""

from __future__ import annotations

import copy
import math
import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch.autograd import DeviceType  # type: ignore[attr-defined]
from torch.profiler import ProfilerActivity, profile, schedule, tensorboard_trace_handler

from bench.atomic import write_text_atomically
from bench.observers.contract import Observer, register_observer
from bench.sweep.measure import Finished
from bench.training.loop import batches, fit
from bench.training.pairs import PairLearner

WAIT, WARMUP, ACTIVE = 2, 3, 3
STEPS = WAIT + WARMUP + ACTIVE
# As in a long training: no point of the learning curve, which is read back, falls into so few steps of so many.
SCHEDULED_STEPS = 10**6
TOP = 10
STEP, BETWEEN = "ProfilerStep*", "(between operators)"


@dataclass(frozen=True)
class Operator:
    """Time of one operator without what it calls: milliseconds per step, calls per step and share of the step."""

    name: str
    milliseconds: float
    calls: float
    share: float


@register_observer
class Profiler(Observer):
    """Traces a few training steps of each cell that runs, and prints its top operators.

    The steps are extra ones, taken when the cell is done, so neither its scores nor its throughput know of them. Each
    cell gets a folder with ``*.pt.trace.json``, for the PyTorch Profiler plug-in of TensorBoard, Perfetto and
    ``chrome://tracing``, and ``top_operators.md``.
    """

    name = "profile"

    @property
    def hint(self) -> str:
        return f"traces: tensorboard --logdir {self.folder}, or open a *.pt.trace.json there in ui.perfetto.dev"

    def look(self, finished: Finished) -> str:
        if finished.learner is None or not finished.learner.parameter_groups():
            return f"{finished.cell}: nothing trains, so there is no step to profile"
        folder = self.fresh_folder(finished.cell)
        table = top_operators_table(profile_steps(finished.learner, folder), finished.learner.recipe.batch_size)
        write_text_atomically(folder / "top_operators.md", f"# {finished.cell}\n\n{table}\n")
        return table


def profile_steps(learner: PairLearner, folder: Path) -> list[Operator]:
    """Train ``learner`` for ``STEPS`` steps and write the trace of the last ``ACTIVE`` into ``folder``; returns all
    operators, the dearest first. Weights, buffers and the global random state are left as they were."""
    device = learner.model.device.type
    recipe, weights = learner.recipe, copy.deepcopy(learner.module.state_dict())
    epochs = math.ceil(STEPS / (learner.examples // recipe.batch_size))
    order = islice(batches(learner.examples, recipe.batch_size, epochs, seed=0), STEPS)
    found: list[Operator] = []
    # The library below the profiler otherwise tells stderr that it starts, stops and finds no GPU.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")

    def finish(profiler: profile) -> None:
        tensorboard_trace_handler(str(folder), worker_name="cell")(profiler)
        found.extend(_operators(profiler, device))

    try:
        with (
            torch.random.fork_rng(devices=[]),
            profile(
                activities=_activities(device),
                schedule=schedule(wait=WAIT, warmup=WARMUP, active=ACTIVE, repeat=1),
                on_trace_ready=finish,
                record_shapes=True,
            ) as profiler,
        ):

            def count(step: int) -> bool:
                if device == "cuda" and step == WAIT + WARMUP:
                    # What earlier steps handed over would be recorded, too.
                    torch.cuda.synchronize()
                profiler.step()
                return False

            fit(learner, recipe, order, SCHEDULED_STEPS, should_stop=count)
    finally:
        learner.module.load_state_dict(weights)
    return found


def top_operators_table(operators: list[Operator], batch_size: int) -> str:
    """The dearest operators as a Markdown table."""
    total = sum(operator.milliseconds for operator in operators)
    lines = [
        f"{total:.1f} ms a step of {batch_size} pairs, mean of {ACTIVE} profiled steps:",
        "",
        f"| {'operator':<48} | ms / step | share | calls |",
        f"| {'-' * 48} | --------: | ----: | ----: |",
    ]
    for operator in operators[:TOP]:
        numbers = f"{operator.milliseconds:>9.2f} | {operator.share:>5.1%} | {operator.calls:>5.0f}"
        lines.append(f"| {operator.name[:48]:<48} | {numbers} |")
    return "\n".join(lines)


def _activities(device: str) -> list[ProfilerActivity]:
    gpu = [ProfilerActivity.CUDA] if device == "cuda" else []
    return [ProfilerActivity.CPU, *gpu]


def _operators(profiler: profile, device: str) -> list[Operator]:
    """Self times: on a GPU of what ran there; on the CPU, what no operator covers is Python's."""
    attribute, events = "self_cpu_time_total", list(profiler.key_averages())
    if device == "cuda":
        # Operators and annotations carry the times of their kernels once more.
        attribute = "self_device_time_total"
        events = [one for one in events if one.device_type == DeviceType.CUDA and not one.is_user_annotation]
    times = {event.key: (getattr(event, attribute) / 1e3, event.count) for event in events}
    total = sum(time for time, _ in times.values()) or 1.0
    found = [
        Operator(BETWEEN if name == STEP else name, time / ACTIVE, count / ACTIVE, time / total)
        for name, (time, count) in times.items()
    ]
    return sorted(found, key=lambda operator: -operator.milliseconds)
