"""A fresh process for every measurement, at the cost of a fork."""

from __future__ import annotations

from bench.fork_server import fork_server
from bench.speed.rows import Row
from bench.speed.worker import Result, Task, serve
from bench.sweep.outcome import failure


class FreshProcesses:
    """Does one task at a time, each in a process of its own.

    Args:
        include: plug-ins to load besides the built-in ones.
    """

    def __init__(self, include: tuple[str, ...] = ()) -> None:
        self._include = include
        self._context = fork_server("bench.speed.preload")

    def do(self, task: Task, row: Row) -> Result:
        """What the task found, with its ``status``; a process that dies is a result, too."""
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(target=serve, args=(task, row, self._include, sender), daemon=True)
        process.start()
        sender.close()
        try:
            result: Result = receiver.recv()
        except EOFError:
            process.join()
            return failure("killed", "ProcessExpired", f"the process died (exit code {process.exitcode})")
        except KeyboardInterrupt:
            process.terminate()
            raise
        process.join()
        return result
