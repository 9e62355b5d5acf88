"""Workers that are killed: ``ambassade serve`` as a process of its own, watched from outside."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import aiohttp

HOST = "127.0.0.1"
STOP_SECONDS = 10.0
START_SECONDS = 60.0


@dataclass
class Worker:
    """One process of the service, and the requests that are under way to it."""

    port: int
    config: Path
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    in_flight: int = 0
    ready_seconds: list[float] = field(default_factory=list)  # after each start

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """What it wrote on standard error, over all its lives."""
        return self.folder / f"worker-{self.port}.log"

    async def start(self, *, at: datetime | None = None) -> None:
        """It is ready; how long that took is noted.

        Raises:
            RuntimeError: It ended, or was not ready in a minute.
        """
        moment = ["--at", at.isoformat()] if at else []
        with self.log.open("ab") as errors:
            self.process = subprocess.Popen(  # noqa: ASYNC220 - it only starts it
                [sys.executable, "-m", "bot", "serve", "--config", str(self.config), *moment],
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        began = time.monotonic()
        while not await self._ready():
            if self.process.poll() is not None or time.monotonic() - began > START_SECONDS:
                raise RuntimeError(f"the worker did not start:\n{self.log.read_text()[-3000:]}")
            await asyncio.sleep(0.02)
        self.ready_seconds.append(time.monotonic() - began)

    def kill(self) -> None:
        """It is gone between two instructions."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    async def stop(self) -> int:
        """It was told to stop and did; its exit status."""
        assert self.process is not None
        self.process.terminate()
        return await asyncio.to_thread(self.process.wait, STOP_SECONDS)

    def end(self) -> None:
        """Whatever happened, it does not outlive the test."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    async def _ready(self) -> bool:
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http,
                http.get(f"{self.url}/readyz") as answer,
            ):
                return answer.ok
        except (aiohttp.ClientError, TimeoutError):
            return False
