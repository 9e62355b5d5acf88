"""``make drill``: a line each says what was seen; it ends with 1 where a line fails."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tests.outside.databases import ENGINES, make_databases
from tests.outside.drill import LINES, Outcome, play


def main(
    engine: Annotated[str, typer.Option(help="sqlite, postgresql or both.")] = "both",
    line: Annotated[list[int] | None, typer.Option(help="Only this line; may be said again.")] = None,
    kills: Annotated[int, typer.Option(help="How often line 7 kills, on each engine.")] = 12,
) -> None:
    """Play the drill against processes of the service, through its doors alone."""
    engines = ENGINES if engine == "both" else (engine,)
    lines = tuple(line or LINES)
    if not set(engines) <= set(ENGINES) or not set(lines) <= set(LINES):
        raise typer.BadParameter(f"there are the engines {', '.join(ENGINES)} and the lines 1 to {LINES[-1]}")
    folder = Path(tempfile.mkdtemp(prefix="ambassade-drill-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # after the PostgreSQL in it has stopped, at exit too
    for name in engines:
        (folder / name).mkdir(mode=0o700)
    outcomes = asyncio.run(_play_all(engines, lines, folder, kills=kills))
    failed = [outcome for outcome in outcomes if not outcome.passed]
    typer.echo(f"{len(outcomes) - len(failed)} pass, {len(failed)} fail")
    sys.exit(1 if failed else 0)


async def _play_all(engines: tuple[str, ...], lines: tuple[int, ...], folder: Path, *, kills: int) -> list[Outcome]:
    """Every engine at once: most of the time is waiting."""

    async def on(engine: str) -> list[Outcome]:
        return await play(await make_databases(engine, folder / engine), lines=lines, kills=kills, tell=_tell)

    return [outcome for outcomes in await asyncio.gather(*map(on, engines)) for outcome in outcomes]


def _tell(outcome: Outcome) -> None:
    typer.echo(str(outcome))


if __name__ == "__main__":
    typer.run(main)
