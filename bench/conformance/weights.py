"""Weights: all of them are registered, all of them train, all of them are saved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from bench.conformance.cases import Case, CheckFailedError, Joint
from bench.conformance.learning import optimizer
from bench.training.objectives import bce

BATCH = 16
STEPS = 3
ROUNDING = 1e-6  # a gradient that cancels out comes to 1e-7 of the largest at most, a real one to 1e-3 or more


def check_kept(fusion: nn.Module) -> None:
    """Raise ``CheckFailedError`` where an attribute is computed from a parameter that nothing holds any more."""
    for name, part in fusion.named_modules():
        for attribute, value in vars(part).items():
            if isinstance(value, Tensor) and value.grad_fn is not None:
                path = ".".join(filter(None, ["self", name, attribute]))
                raise CheckFailedError(
                    f"{path} is computed from a parameter that is then lost: it would be neither trained nor saved. "
                    "nn.Parameter(...) * scale and nn.Parameter(...).to(device) are plain tensors. Scale the values "
                    "inside nn.Parameter(...), and leave devices to the caller"
                )


def registered(case: Case) -> None:
    """Every weight in use is in ``parameters()``; every parameter of fusion and head trains and gets a gradient."""
    joint = case.joint().train()
    known = {id(p) for p in joint.parameters()}
    for path, tensor in _hidden(joint.fusion, known):
        raise CheckFailedError(
            f"{path} holds a parameter of shape {tuple(tensor.shape)} that is not registered: it would be neither "
            "trained nor saved. Plain lists, tuples and dicts hide parameters: use nn.ParameterList, nn.ModuleList or "
            "nn.ModuleDict"
        )
    for name, weight in joint.fusion.named_parameters():
        if not weight.requires_grad:
            raise CheckFailedError(
                f"{name} is a parameter that never trains, and would be counted as one: register what is fixed with "
                "register_buffer"
            )
    a, b = case.features(BATCH)
    label = torch.arange(BATCH) % 2
    parts = (("", joint.fusion), ("head.", joint.head))
    own = {part + name: p for part, module in parts for name, p in module.named_parameters() if p.requires_grad}
    silent = set(own)
    # A weight behind a gate that starts at zero gets its first gradient in the second step.
    for _ in range(STEPS):
        scores = joint(a, b)
        _check_leaves(scores, known)
        if not scores.requires_grad or not silent:
            break
        optimise = optimizer(joint)
        bce(scores, label).backward()
        slopes = {name: _slope(p) for name, p in own.items()}
        silent = {name for name in silent if not slopes[name] > ROUNDING * max(slopes.values())}
        optimise.step()
        joint.zero_grad()
    if silent:
        raise CheckFailedError(
            f"{', '.join(sorted(silent))} never got a gradient: unused in forward, cut off by detach(), .data or "
            "no_grad(), or without influence on the score (a bias that a softmax, a normalisation or a difference "
            "cancels: drop it)"
        )


def _slope(parameter: nn.Parameter) -> float:
    return 0.0 if parameter.grad is None else float(parameter.grad.abs().max())


def _check_leaves(scores: Tensor, known: set[int]) -> None:
    """Walk the graph of ``scores`` back to the weights it came from."""
    waiting, seen = [scores.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)
        if leaf is not None and id(leaf) not in known:
            raise CheckFailedError(
                f"the score depends on a trainable tensor of shape {tuple(leaf.shape)} that is not in parameters(): it "
                "would be neither trained nor saved. Make it an nn.Parameter attribute, or a member of nn.ParameterList"
            )
        waiting.extend(parent for parent, _ in node.next_functions)


def _hidden(module: nn.Module, known: set[int]) -> Iterator[tuple[str, Tensor]]:
    """Parameters in plain attributes of ``module`` and its children, with where they stand."""
    for name, part in module.named_modules():
        for attribute, value in vars(part).items():
            if attribute not in ("_parameters", "_modules", "_buffers"):
                path = ".".join(filter(None, ["self", name, attribute]))
                yield from _parameters_in(value, path, known, set())


def _parameters_in(value: Any, path: str, known: set[int], seen: set[int]) -> Iterator[tuple[str, Tensor]]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, nn.Parameter):
        if id(value) not in known:
            yield path, value
    elif isinstance(value, nn.Module):
        yield from ((f"{path} ({name})", p) for name, p in value.named_parameters() if id(p) not in known)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _parameters_in(item, f"{path}[{key!r}]", known, seen)
    elif isinstance(value, list | tuple | set | frozenset):
        for index, item in enumerate(value):
            yield from _parameters_in(item, f"{path}[{index}]", known, seen)


def state_dict(case: Case) -> None:
    """``state_dict`` loaded into a fresh instance of another seed gives the same scores, bit for bit."""
    first, second = case.joint(), case.joint(seed=1)
    a, b = case.features(BATCH)
    with torch.no_grad():
        first.train()(a, b)
    try:
        second.load_state_dict(first.state_dict())
    except RuntimeError as error:
        raise CheckFailedError(
            f"state_dict does not load into a fresh instance: {' '.join(str(error).split())}"
        ) from None
    if not torch.equal(_scores(first, a, b), _scores(second, a, b)):
        raise CheckFailedError(
            "a fresh instance that loaded the state_dict gives other scores: something random is not saved. Register "
            "random sketches, permutations and fixed matrices with register_buffer (persistent), and draw nothing in "
            "forward"
        )


def _scores(joint: Joint, a: Tensor, b: Tensor) -> Tensor:
    with torch.no_grad():
        return joint.eval()(a, b)
