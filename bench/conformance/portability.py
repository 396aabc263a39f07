"""A fusion runs in any precision and on any device."""

from __future__ import annotations

import itertools

import torch
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from torch.func import functional_call

from bench.conformance.cases import Case, CheckFailedError
from bench.training.objectives import bce

BATCH = 3
DEVICE = "meta"  # no data, but PyTorch keeps it apart from the CPU as it would a GPU, on every machine
CAUSE = (
    "create tensors with device=a.device, dtype=a.dtype (or a.new_zeros(...)), and keep constants in register_buffer"
)


def float64(case: Case) -> None:
    """``model.double()`` takes float64 inputs and returns float64 scores, forwards and backwards."""
    joint = case.joint().double().train()
    a, b = (side.double() for side in case.features(BATCH))
    try:
        scores = joint(a, b)
        if scores.requires_grad:
            bce(scores, torch.arange(BATCH) % 2).backward()
    except RuntimeError as error:
        raise CheckFailedError(f"fails in float64 ({_first_line(error)}): {CAUSE}; call no .float()") from None
    if scores.dtype != torch.float64:
        raise CheckFailedError(f"float64 inputs give {scores.dtype} scores: {CAUSE}; call no .float()")


def device(case: Case) -> None:
    """With weights and inputs on another device than the CPU, everything stays there."""
    joint = case.joint().eval()
    inputs = case.features(BATCH)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        tensors = itertools.chain(joint.named_parameters(), joint.named_buffers())
        state = {name: mode.from_tensor(tensor).to(DEVICE) for name, tensor in tensors}
        a, b = (mode.from_tensor(side).to(DEVICE) for side in inputs)
        try:
            scores = functional_call(joint, state, (a, b))
        except (DataDependentOutputException, DynamicOutputShapeException):
            return  # the code branches on values, which a simulated tensor does not have
        except (RuntimeError, AssertionError) as error:
            raise CheckFailedError(f"fails on any device but the CPU ({_first_line(error)}): {CAUSE}") from None
    if scores.device.type != DEVICE:
        raise CheckFailedError(
            f"inputs on another device give scores on {scores.device}: call no .cpu() or .to('cpu'), and {CAUSE}"
        )


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
