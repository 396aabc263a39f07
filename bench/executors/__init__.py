"""Executors: where the tasks of a sweep run."""

from bench.executors.contract import EXECUTORS, Executor, register_executor

__all__ = ["EXECUTORS", "Executor", "register_executor"]
