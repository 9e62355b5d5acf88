"""The fifteen lines, the stages that they play on, and what each of them saw."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.outside import cheating, doors, money, once, workers
from tests.outside.databases import Databases
from tests.outside.stage import Stage, staged

Line = Callable[[Stage], Awaitable[str]]


@dataclass(frozen=True)
class Setting:
    """Lines that play one after the other on one service, and what its environment says."""

    lines: Mapping[int, Line]
    environment: Mapping[str, str] = field(default_factory=dict)
    processes: int = 1


@dataclass(frozen=True)
class Outcome:
    """What came of a line."""

    line: str  # its number, or "books" for what all lines of a stage left behind
    engine: str
    passed: bool
    seen: str
    seconds: float = 0.0

    def __str__(self) -> str:
        word = "pass" if self.passed else "FAIL"
        return f"drill {self.line:>5} {self.engine:<10} {word}  {self.seen} ({self.seconds:.1f} s)"


BONUS, TELEGRAM = "AMBASSADE_BONUS__AMBASSADOR__", "AMBASSADE_TELEGRAM__"
WITHOUT_LIMITS = {f"{BONUS}PER_MONTH": "none", f"{BONUS}BUDGET_PER_MONTH": "none"}
SETTINGS = (
    Setting({
        1: once.line_1, 2: once.line_2, 3: cheating.line_3, 4: cheating.line_4, 5: money.line_5, 8: doors.line_8,
        10: cheating.line_10, 11: doors.line_11, 14: once.line_14,
    }),
    Setting({6: money.line_6, 13: once.line_13}, {f"{BONUS}KIND": "percent", f"{BONUS}PERCENT": "10"}),
    Setting({7: workers.line_7}, WITHOUT_LIMITS),
    Setting({9: doors.line_9}),
    Setting({12: cheating.line_12}, {f"{BONUS}PER_MONTH": "1"}),
    Setting(
        {15: workers.line_15},
        WITHOUT_LIMITS | {f"{TELEGRAM}MODE": "webhook", f"{TELEGRAM}WEBHOOK_SECRET": "geheim-van-olga"},
        processes=2,
    ),
)  # fmt: skip
LINE_SECONDS, A_KILL_SECONDS = 600, 15  # a line may take so long; on a busy machine the service starts slowly
LINES = tuple(sorted(number for setting in SETTINGS for number in setting.lines))


async def play(
    databases: Databases, *, lines: Collection[int], kills: int, tell: Callable[[Outcome], object]
) -> list[Outcome]:
    """These lines have been played on this engine; each outcome is told as soon as it is there."""
    outcomes: list[Outcome] = []
    for setting in SETTINGS:
        chosen = {number: line for number, line in setting.lines.items() if number in lines}
        if chosen:
            outcomes += await _play_setting(setting, chosen, databases, kills=kills, tell=tell)
    return outcomes


async def _play_setting(
    setting: Setting,
    lines: Mapping[int, Line],
    databases: Databases,
    *,
    kills: int,
    tell: Callable[[Outcome], object],
) -> list[Outcome]:
    """The lines of one service, and then their books, added up again."""
    outcomes = []
    async with staged(databases, setting.environment, processes=setting.processes, kills=kills) as stage:
        for number, line in lines.items():
            outcomes.append(await _outcome(f"{number}", stage, line))
            tell(outcomes[-1])
        outcomes.append(await _outcome("books", stage, _audit))
        tell(outcomes[-1])
    return outcomes


async def _audit(stage: Stage) -> str:
    """The command adds everything up again."""
    return (await stage.command("audit")).output.strip()


async def _outcome(name: str, stage: Stage, line: Line) -> Outcome:
    began = time.monotonic()
    try:
        async with asyncio.timeout(LINE_SECONDS + A_KILL_SECONDS * stage.kills):
            seen = await line(stage)
        passed = True
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is this line's, and the others go on
        where = traceback.extract_tb(error.__traceback__)[-1]
        passed, seen = (
            False,
            f"{Path(where.filename).name}:{where.lineno} {where.line} {type(error).__name__}: {error}"[:1000],
        )
    return Outcome(name, stage.engine, passed, seen, time.monotonic() - began)
