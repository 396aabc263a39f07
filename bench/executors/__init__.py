"""Executors: where the tasks of a sweep run."""

from bench.executors.contract import EXECUTORS, Executor, choose_executor, register_executor

__all__ = ["EXECUTORS", "Executor", "choose_executor", "register_executor"]
