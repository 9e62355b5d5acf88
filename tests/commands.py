"""The ``ambassade`` commands in this process, as somebody at a terminal would type them."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

_STDOUT = threading.Lock()  # the runner puts its own in the place of the process's


@dataclass(frozen=True)
class Ran:
    """What a command printed, and how it ended."""

    code: int
    output: str
    errors: str

    @property
    def lines(self) -> list[str]:
        """Standard output, line by line."""
        return self.output.splitlines()


async def run_command(*arguments: str, config: Path) -> Ran:
    """The command has run, while the service in this process goes on."""
    return await asyncio.to_thread(_run, [*arguments, "--config", str(config)])


def _run(arguments: list[str]) -> Ran:
    from bot.__main__ import app  # noqa: PLC0415 - loading every command is for those who run one

    with _STDOUT:
        ran = CliRunner().invoke(app, arguments)
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    return Ran(ran.exit_code, ran.stdout, ran.stderr)
