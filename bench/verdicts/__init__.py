"""Statements about runs: effects against a baseline, verdicts, ranks."""
