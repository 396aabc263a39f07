"""The model of the fusion that a race chose, kept by its test; and the way to a test where none was run."""

from __future__ import annotations

import math

from bench.choose.question import TEST, Question
from bench.choose.stages import State
from bench.models.files import FOLDER, read_card, stored_models


def sentence_on_model(question: Question, fusion: str) -> str:
    """Where the best replicate of a fusion in validation is kept, and how it is asked; empty where none was kept."""
    for file in stored_models(question.out / TEST / FOLDER):
        if read_card(file).cell.fusion == fusion:
            return f"The best replicate in validation is kept: `bench predict {file} a.png b.png` compares two images."
    return ""


def way_to_a_test(state: State) -> str:
    """What it takes to test, and so to keep a model, where that was not done; empty where there is nothing to say."""
    question, price = state.question, state.price
    start = "No test was run yet" if question.sweep.save == "none" else "No model is kept yet"
    if state.look is not None:
        return ""
    if state.exit_code:
        way = "the same command goes on" if state.seconds < question.budget else "a larger `--budget` goes on"
        return f"{start}: {way}."
    if price is not None:
        took, budget = question.minutes(price.longest), _duration(price.enough(state.seconds))
        return f"{start}: one replicate took {took} minutes, so about `--budget {budget}` gives a test."
    if state.final is None or (state.final.staying and not state.final.numbers):
        return f"{start}: no finalist has finished a replicate; a larger `--budget` goes on."
    return ""


def _duration(seconds: float) -> str:
    """As ``--budget`` takes it, rounded up."""
    return f"{10 * math.ceil(seconds / 10)}s" if seconds < 120 else f"{math.ceil(seconds / 60)}m"
