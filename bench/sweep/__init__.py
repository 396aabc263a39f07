"""Sweeps: configuration, plan, executors and records."""
