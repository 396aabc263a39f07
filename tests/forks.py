"""A process that has imported the slow libraries, and nothing of fusebench, and forks a child for each job.

A child is what ``python -m bench`` or ``python -c`` would be, without the seconds of importing torch. On standard
input come jobs, one JSON object in a line, and the numbers of children to wait for; each is answered in a line.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import sys
from typing import Any

SLOW = "torch torch._dynamo torchvision scipy.stats sklearn.metrics sklearn.ensemble pandas matplotlib.pyplot"


def become(job: dict[str, Any]) -> None:
    """Take over streams, folder, environment and arguments of a job, and run its code or else ``bench``."""
    for number, path in enumerate((os.devnull, job["stdout"], job["stderr"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), number)
    os.environ.clear()
    os.environ.update(job["environment"])
    os.chdir(job["cwd"])
    sys.path[0] = ""
    if job["code"] is None:
        sys.argv = ["bench", *job["arguments"]]
        runpy.run_module("bench", run_name="__main__", alter_sys=True)
    else:
        sys.argv = ["-c", *job["arguments"]]
        exec(compile(job["code"], "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    for name in SLOW.split():
        __import__(name)
    gc.freeze()  # or the first collection in a child would copy all of it
    for line in sys.stdin:
        asked = json.loads(line)
        if isinstance(asked, int):
            print(os.waitstatus_to_exitcode(os.waitpid(asked, 0)[1]), flush=True)
        elif child := os.fork():
            print(child, flush=True)
        else:
            become(asked)
            break
