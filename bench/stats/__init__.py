"""Statements from scores: what the seeds support, and what they do not. Nothing is drawn or written here."""
