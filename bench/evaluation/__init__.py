"""Evaluation: scores of a model on pairs, metrics of scores, and diagnostics of embeddings."""
