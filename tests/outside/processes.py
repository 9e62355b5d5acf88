"""Processes of the service: workers that are started, killed and stopped, and commands that end by themselves."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import aiohttp

HOST = "127.0.0.1"
STOP_SECONDS = 10.0
START_SECONDS = 60.0
ROOT = Path(__file__).parents[2]
AMBASSADE = (sys.executable, "-m", "bot")


@dataclass(frozen=True)
class Ran:
    """What a command printed, and how it ended."""

    code: int
    output: str
    errors: str


async def ambassade(*arguments: str, config: Path, environment: Mapping[str, str]) -> Ran:
    """The command has run to its end."""
    process = await asyncio.create_subprocess_exec(
        *AMBASSADE, *arguments, "--config", str(config),
        cwd=ROOT, env=os.environ | environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await process.communicate()
    assert process.returncode is not None
    return Ran(process.returncode, output.decode(), errors.decode())


@dataclass
class Worker:
    """One ``ambassade serve``, over all its lives."""

    port: int
    config: Path
    environment: Mapping[str, str]
    log: Path
    in_flight: int = 0  # requests that are under way to it
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    async def start(self, *, at: datetime | None = None) -> None:
        """It is ready.

        Raises:
            RuntimeError: It ended, or was not ready in a minute.
        """
        moment = ["--at", at.isoformat()] if at else []
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - it only starts it
                [*AMBASSADE, "serve", "--config", str(self.config), *moment],
                cwd=ROOT, env=os.environ | self.environment | {"AMBASSADE_WEB__PORT": str(self.port)},
                stdout=log, stderr=log,
            )  # fmt: skip
        began = time.monotonic()
        while not await self._ready():
            if self._process.poll() is not None or time.monotonic() - began > START_SECONDS:
                raise RuntimeError(f"the service did not start:\n{self.log.read_text(encoding='utf-8')[-2000:]}")
            await asyncio.sleep(0.05)

    def kill(self) -> None:
        """It is gone between two instructions."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    async def stop(self) -> None:
        """It was told to stop, and did so in time and with nothing to complain of."""
        assert self._process is not None
        self._process.terminate()
        status = await asyncio.to_thread(self._process.wait, STOP_SECONDS)
        assert status == 0, f"the service ended with {status}"

    async def _ready(self) -> bool:
        timeout = aiohttp.ClientTimeout(total=2)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as http, http.get(f"{self.url}/readyz") as answer:
                return answer.ok
        except (aiohttp.ClientError, TimeoutError):
            return False
