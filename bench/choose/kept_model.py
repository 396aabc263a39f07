"""The trained model of the fusion that a race chose: kept by its test, which trains it for the last time."""

from __future__ import annotations

from bench.choose.look import TEST
from bench.choose.question import Question
from bench.models.files import FOLDER, read_card, stored_models


def sentence_on_model(question: Question, fusion: str) -> str:
    """Where the best replicate of a fusion is kept, and how it is asked; empty where none was kept."""
    for file in stored_models(question.out / TEST / FOLDER):
        if read_card(file).cell.fusion == fusion:
            return f"Its best replicate is kept: `bench predict {file} a.png b.png` compares two images with it."
    return ""
