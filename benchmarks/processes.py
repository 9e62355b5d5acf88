"""The processes of a measurement: a server, a load beside it, each on a core of its own where there are two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

import psutil

from benchmarks.figures import Sample

HOST = "127.0.0.1"
MOST_A_SECOND = 9000  # requests that the load makes beforehand; beyond that it makes them on the way
PATIENCE_SECONDS = 60
SERVER_CORE, LOAD_CORE = 0, 1


class Server:
    """A server process, from the moment it listens until the block ends."""

    def __init__(self, *arguments: str) -> None:
        self._process = _start("benchmarks.server", *arguments, core=SERVER_CORE)
        self.port = 0

    def __enter__(self) -> Self:
        if self._process.stdout is None:
            raise AssertionError
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate(timeout=PATIENCE_SECONDS)

    def cpu_seconds(self) -> float:
        """What all of its threads have used so far."""
        used = psutil.Process(self._process.pid).cpu_times()
        return used.user + used.system


def measure(server: Server, work: dict[str, Any]) -> tuple[Sample, list[str]]:
    """What a load of this work found, and the names of what was answered."""
    plan = {**work, "host": HOST, "port": server.port, "most_a_second": MOST_A_SECOND}
    began = server.cpu_seconds()
    loader = _start("benchmarks.load", core=LOAD_CORE)
    said, _ = loader.communicate(json.dumps(plan), timeout=work["seconds"] + PATIENCE_SECONDS)
    used = server.cpu_seconds() - began
    found = json.loads(said)
    return Sample.of(found, cpu_seconds=used), found["answered"]


def _start(module: str, *arguments: str, core: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(available) > 1:
        os.sched_setaffinity(process.pid, {available[core]})
    return process
