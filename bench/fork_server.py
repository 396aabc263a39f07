"""Processes for the price of a fork, each as fresh as one of its own.

A server process imports the slow libraries once and computes nothing, so that no thread, cache, allocation or CUDA
context of one process reaches the next: importing torch, timm and scikit-learn takes seconds of every core otherwise,
and hundreds of megabytes of every process. It runs no code of others, and ends with the process that started it.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing import forkserver, util
from multiprocessing.context import ForkServerContext

from bench.memory import keep_freed_memory

# Of the path of a socket, 107 bytes, what multiprocessing adds to the folder for temporary files.
_LONGEST_FOLDER = 107 - len("/pymp-xxxxxxxx/listener-xxxxxxxx")


def fork_server(preload: str) -> ForkServerContext:
    """The context whose processes are forked from a server that has imported the module ``preload``.

    There is one server to a process; where it already runs, its modules stay as they are.
    """
    keep_freed_memory()
    # Asking whether there is a GPU must not start a CUDA context in the server, which could not be inherited.
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([preload])
    _keep_sockets_reachable()
    found = dict(os.environ)
    # It imports from where this process does, and not from the current folder, whatever lies there.
    os.environ |= {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        forkserver.ensure_running()
    finally:
        set_environment(found)
    return context


def _keep_sockets_reachable() -> None:
    """Where the folder for temporary files has a long path, sockets go to that of the system, as in Python 3.14."""
    if len(os.fsencode(tempfile.gettempdir())) > _LONGEST_FOLDER:
        given, tempfile.tempdir = tempfile.tempdir, "/tmp"
        try:
            # The first call decides for all of this process.
            util.get_temp_dir()
        finally:
            tempfile.tempdir = given


def set_environment(variables: Mapping[str, str]) -> None:
    """Set the environment of this process to exactly these variables: a process that was forked has the server's."""
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)
