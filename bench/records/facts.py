"""The parts of a record: what its fields may hold, each with what it is and in which range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Annotated, Any, NamedTuple, Required

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, with_config
from pydantic_core import CoreSchema
from pydantic_core import core_schema as build
from typing_extensions import TypedDict

from bench.metrics import METRICS, SHARE, metric_names
from bench.records.machine import Machine, machine_from

# Shares are sums of floats: those of 1 may end a little above.
ROUNDING = 1e-9
# What tables, data frames and sums of squares hold; scores are of float32.
LARGEST_WHOLE, LARGEST = 2**63 - 1, 1e40


@dataclass(frozen=True)
class Is:
    """What a value has to be, for the message where it is not."""

    text: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The schema of the values with that message."""
        return build.custom_error_schema(handler(source), "is_not", custom_error_message=f"is not {self.text}")


Name = Annotated[str, Field(min_length=1), Is("a name")]
# Part of the name of a file.
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=100), Is("a key")]
Text = Annotated[str, Is("a text")]
Flag = Annotated[bool, Is("true or false")]
Whole = Annotated[int, Field(ge=-LARGEST_WHOLE, le=LARGEST_WHOLE), Is("a whole number of at most 63 bits")]
Count = Annotated[int, Field(ge=0, le=LARGEST_WHOLE), Is("a count")]
Some = Annotated[int, Field(ge=1, le=LARGEST_WHOLE), Is("a count of 1 or more")]
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False), Is("a finite number")]
Amount = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False), Is("a finite number of 0 or more")]
Share = Annotated[float, Field(ge=-ROUNDING, le=1 + ROUNDING, allow_inf_nan=False), Is("a share from 0 to 1")]


class ErrorFacts(TypedDict, total=False):
    """Why a cell has no result."""

    type: Annotated[Text, "class of the exception"]
    message: Annotated[Text, "what it said"]
    traceback: Annotated[Text, "of an error that nobody foresaw"]


@with_config(extra="allow")
class RecipeFacts(TypedDict, total=False):
    """The recipe that a cell was trained with: whole, of which this is read by name."""

    train_pairs: Annotated[Count, "pairs trained on"]
    batch_size: Annotated[Count, "pairs of a training step"]
    budget: Annotated[Text, "what every fusion was given, for which these pairs are paid; none where there is none"]
    objective: Annotated[Text, "what was minimised; bce where it is not named"]
    auxiliary: Annotated[dict[str, Number], "weight of each auxiliary head"]


class Times(TypedDict, total=False):
    """Seconds that a cell took."""

    draw: Annotated[Amount, "drawing pairs"]
    train: Annotated[Amount, "building and training"]
    evaluate: Annotated[Amount, "testing and measuring"]
    total: Annotated[Amount, "all of it"]


class WarmupFacts(TypedDict, total=False):
    """The shared warm-up of the backbone."""

    task: Required[Annotated[Name, "its name, none without a warm-up"]]
    seed: Annotated[Whole, "its seed, where it was used"]
    quality: Annotated[Number | None, "how good it became"]
    measure: Annotated[Text, "what the quality is"]
    unit: Annotated[Text, "unit of the quality"]
    better: Annotated[Text, "higher or lower"]
    seconds: Annotated[Amount, "what it cost, once"]
    images: Annotated[Count, "images it saw"]


class CostFacts(TypedDict, total=False):
    """What a cell costs."""

    parameters: Annotated[Count | None, "of the whole model"]
    trainable: Annotated[Count | None, "of them trained"]
    fusion_parameters: Annotated[Count | None, "of fusion and head"]
    macs: Annotated[Count | None, "multiply-accumulates per pair"]
    fusion_macs: Annotated[Count | None, "those of fusion and head"]
    uncounted: Annotated[tuple[Text, ...], "operators that the MACs leave out"]
    train_pairs_per_s: Annotated[Amount | None, "measured while the sweep ran"]
    infer_pairs_per_s: Annotated[Amount | None, "measured while the sweep ran"]


class ExecutionFacts(TypedDict, total=False):
    """Where and how a cell was computed."""

    device: Annotated[Text, "such as cpu"]
    memory_format: Annotated[Text, "of the maps of the backbone"]
    seeds_together: Annotated[Count, "seeds trained in one pass with it, itself included"]


class DataFacts(TypedDict, total=False):
    """What names a test set."""

    version: Annotated[Whole, "of the domain"]
    content: Annotated[dict[str, Text], "hash of a user's files by parameter"]
    shared: Annotated[Text, "what replicates share: images that each deals anew, or their parts; else nothing"]


class MatchingFacts(TypedDict):
    """How a fusion was sized to a budget of parameters."""

    fusion: Annotated[Text, "its name with the parameters chosen"]
    parameters: Annotated[Count, "parameters it has"]
    budget: Annotated[Count, "parameters it should have"]
    tolerance: Annotated[Number, "share by which it may miss them"]
    problem: Annotated[Text, "why it missed the budget; empty where it did not"]


class Diagnostics(TypedDict, total=False):
    """What is read back of the diagnosis of a trained model, which holds further measures by name."""

    note: Annotated[Text, "where learning stopped, for a model at chance"]
    overfits_from: Annotated[Count, "training pairs after which validation got worse while training went on"]


class CheckFacts(TypedDict):
    """What was seen of a model at one point of its training."""

    pairs: Annotated[Count, "training pairs seen"]
    validated: Annotated[Count, "validation pairs that the following are of"]
    loss: Annotated[Number, "what training minimises, without auxiliary heads"]
    auc: Annotated[Share | None, "None where they have one label"]
    f1: Annotated[Share, "the best one of all thresholds"]
    precision: Annotated[Share, "at that threshold"]
    recall: Annotated[Share, "at that threshold"]
    threshold: Annotated[Number, "with the best F1"]
    gradients: Annotated[dict[str, Amount], "mean norm by layer since the check before, not limited yet"]


def _machine(facts: Any) -> Any:
    return machine_from(facts) if isinstance(facts, Mapping) else facts


@dataclass(frozen=True, slots=True)
class MeasuredOn:
    """Where rates were measured."""

    machine: Annotated[Machine | None, BeforeValidator(_machine), "None where it is not known"] = None
    factor: Annotated[Amount | None, "how much slower is still noise on it, where that was measured"] = None


class KindScores(NamedTuple):
    """Results by kind of pair, in the order of the domain; None where a value is missing."""

    names: tuple[str, ...]
    accuracy: tuple[float | None, ...]
    p_same: tuple[float | None, ...]


class KindFacts(TypedDict, total=False):
    """What a record holds of a kind of pair under ``strata``, and of a pair of classes under ``cells``."""

    n: Annotated[Count, "pairs"]
    accuracy: Annotated[Share | None, "at score 0"]
    p_same: Annotated[Share | None, "answers same"]
    auc: Annotated[Share | None, "None where all pairs have one label"]


class Tested(NamedTuple):
    """Results on one evaluated domain.

    Attributes:
        values: in the order of ``metric_names()``, None where missing.
        pairs: tested on.
        kinds: where the domain tells kinds of pairs apart.
        quarter: the one of ``bench.quarters`` that the pairs are of; empty where that is not known.
    """

    values: tuple[float | None, ...]
    pairs: int
    kinds: KindScores | None = None
    quarter: str = ""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A metric by its name, beside ``n``, ``quarter``, ``strata`` and ``cells``."""
        share, number = handler.generate_schema(Share | None), handler.generate_schema(Number | None)
        kinds = build.typed_dict_field(handler.generate_schema(dict[str, KindFacts]), required=False)
        fields = {
            **{
                metric.name: build.typed_dict_field(share if metric.unit == SHARE else number, required=False)
                for metric in METRICS.classes
            },
            "n": build.typed_dict_field(handler.generate_schema(Some)),
            "quarter": build.typed_dict_field(handler.generate_schema(Text), required=False),
            "strata": kinds,
            "cells": kinds,
        }
        return build.no_info_after_validator_function(partial(_tested, metric_names()), build.typed_dict_schema(fields))


def _tested(names: Sequence[str], found: Mapping[str, Any]) -> Tested:
    """Compact: a report keeps many of them. The pairs of classes are for whoever reads the file."""
    values = tuple(map(found.get, names))
    strata: Mapping[str, KindFacts] | None = found.get("strata")
    quarter = found.get("quarter", "")
    if not strata:
        return Tested(values, found["n"], quarter=quarter)
    accuracy = tuple(kind.get("accuracy") for kind in strata.values())
    p_same = tuple(kind.get("p_same") for kind in strata.values())
    return Tested(values, found["n"], KindScores(_shared(tuple(strata)), accuracy, p_same), quarter)


@cache
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    """One tuple for all records with these names."""
    return names
