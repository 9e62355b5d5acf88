"""Kills workers under load and counts: ``python -m benchmarks.chaos``, or ``make chaos``.

``ambassade serve`` is killed with SIGKILL at random moments while requests are in flight, started again, and in the
end everything that the client was told is compared with the database and with what Telegram took. It ends with 1 when
something that was acknowledged is lost, something is doubled, the books are off, or a worker was not ready in time.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.chaos_load import Code, Load
from benchmarks.chaos_verdict import Verdict, compare, messages, waiting
from benchmarks.chaos_workers import Worker
from bot.sandbox.sandbox import Sandbox
from referrals.chance import Maker
from referrals.clock import Clock
from referrals.config import parse_config
from referrals.programme import Programme, load_programme
from referrals.tasks import Tasks
from storage.database import Database
from tests.commands import run_command
from tests.engines import fresh_url
from tests.installation import USERNAME, Api, configuration, connect_chat, free_port, prepare, toml

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # a Tuesday: nothing is quiet
LONGEST_LIFE = 1.5  # seconds between two kills, at most
BOT_SECONDS = 30.0  # in which a worker that started says its first word
QUIET_SECONDS = 60.0  # in which everything that waits is heard, said and released
CHAT_SECONDS = 0.3  # and so much for each person who pressed START
READY_SECONDS = 5.0  # after which a worker should answer again
FIRST_AMBASSADOR = 7_000_001


@dataclass(frozen=True)
class Plan:
    """What is to be played."""

    url: str
    folder: Path
    kills: int
    workers: int = 1
    ambassadors: int = 12
    clients: int = 10  # that call at once


@dataclass
class Report:
    """What happened."""

    kills: int = 0
    in_flight: int = 0  # requests that were under way when their worker was killed
    attempts: int = 0
    calls: dict[str, int] = field(default_factory=dict)  # by what is known of them
    started: int = 0  # people who pressed START
    ready_seconds: list[float] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)
    seconds: float = 0.0

    def lines(self) -> list[str]:
        """For a terminal."""
        ready = sorted(self.ready_seconds)
        return [
            f"  {self.kills} kills in {self.seconds:.0f} s, {self.in_flight} requests cut off in flight",
            f"  {self.attempts} attempts; calls: {self.calls}; people who pressed START: {self.started}",
            f"  unknown calls that were applied: {dict(self.verdict.applied)}",
            f"  messages doubled, by class: {self.verdict.doubled}",
            f"  ready again: median {ready[len(ready) // 2]:.1f} s, worst {ready[-1]:.1f} s",
            *(f"  WRONG: {fault}" for fault in self.verdict.wrong),
        ]


async def play(plan: Plan, *, progress: Callable[[int], None] = lambda _: None) -> Report:
    """The workers have been killed so often, and everything is compared."""
    began = time.monotonic()
    prepare(plan.url)
    async with AsyncExitStack() as stack:
        clock = Clock(NOON - Clock().machine())
        telegram = await stack.enter_async_context(Sandbox(now=clock.machine, dates=clock.programme, username=USERNAME))
        telegram.webhooks.pace = 0.02
        workers = _workers(plan, telegram)
        for worker in workers:
            stack.callback(worker.end)
        await workers[0].start(at=NOON)
        await asyncio.gather(*(worker.start() for worker in workers[1:]))
        codes = await _ambassadors(plan, workers[0], telegram)
        report = Report()
        load = Load(workers, telegram, codes, clock=clock, clients=plan.clients)
        await _under_load(load, workers, report, kills=plan.kills, progress=progress)
        await _compare(plan, report, load=load, workers=workers, telegram=telegram, codes=codes)
    report.seconds = time.monotonic() - began
    return report


def _workers(plan: Plan, telegram: Sandbox) -> list[Worker]:
    """Each with a configuration of its own, which differs in the port only; several of them take turns by webhook."""
    ports = [free_port() for _ in range(plan.workers)]
    keys: dict[str, Any] = {
        "hold__days": 0, "bonus__ambassador__per_month": "none", "bonus__ambassador__budget_per_month": "none",
        "fraud__review_score": 101,  # so many friends in a minute would be looked at first
    }  # fmt: skip
    if plan.workers > 1:
        keys |= {"telegram__mode": "webhook", "telegram__webhook_secret": "geheim-van-olga"}
    workers = []
    for port in ports:
        path = plan.folder / f"config-{port}.toml"
        path.write_text(toml(configuration(plan.url, telegram, ports[0], **keys, web__port=port)), encoding="utf-8")
        workers.append(Worker(port, path, plan.folder))
    return workers


async def _ambassadors(plan: Plan, worker: Worker, telegram: Sandbox) -> list[Code]:
    """Customers with a link whose chats are connected, made through the API."""
    key = (await run_command("api-key", "create", "--name", "chaos", config=worker.config)).lines[-1]
    async with Api(worker.url, key) as api:

        async def join(number: int) -> Code:
            made = await api.customer(f"ambassador-{number}")
            phone = telegram.person("Anna", id=FIRST_AMBASSADOR + number)
            await connect_chat(api, phone, made["customer"])
            return Code(made["code"], made["customer"], phone.id)

        return await asyncio.gather(*(join(number) for number in range(plan.ambassadors)))


async def _under_load(
    load: Load, workers: list[Worker], report: Report, *, kills: int, progress: Callable[[int], None]
) -> None:
    tasks, maker = Tasks(), Maker()
    loading = tasks.start(load.run(), name="load")
    try:
        while report.kills < kills:
            worker = workers[int(maker.fraction() * len(workers))]
            if report.kills % 2 == 0:
                await _bot_at_work(load)
            await asyncio.sleep(maker.fraction() * LONGEST_LIFE)
            while not worker.in_flight:  # noqa: ASYNC110 - a kill counts only with a request in flight
                await asyncio.sleep(0.001)
            report.in_flight += worker.in_flight
            worker.kill()
            report.kills += 1
            await worker.start()
            progress(report.kills)
    finally:
        load.stop()
        await loading
        await tasks.stop()


async def _bot_at_work(load: Load) -> None:
    """Messages go out: else every life would end before the chat's library is loaded."""
    before, deadline = load.messages(), time.monotonic() + BOT_SECONDS
    while load.messages() == before and time.monotonic() < deadline:  # noqa: ASYNC110 - others work
        await asyncio.sleep(0.01)


async def _compare(
    plan: Plan, report: Report, *, load: Load, workers: list[Worker], telegram: Sandbox, codes: list[Code]
) -> None:
    database = Database.open(plan.url)
    try:
        left = await _until_quiet(database, load)
        if left:
            report.verdict.wrong.append(f"{left} things still wait long after the last kill")
        stopped = [await worker.stop() for worker in workers]
        programme: Programme = database.look(load_programme, parse_config(configuration(plan.url, telegram, 1), {}))
        verdict = database.look(compare, load)
        verdict.wrong = report.verdict.wrong + verdict.wrong
        database.look(messages, verdict, load, telegram, codes=codes, kills=report.kills, programme=programme)
        verdict.claim("workers that did not stop cleanly", [status for status in stopped if status])
    finally:
        database.close()
    report.verdict = verdict
    report.attempts, report.calls, report.started = load.log.attempts(), dict(load.log.count()), len(load.persons)
    report.ready_seconds = [seconds for worker in workers for seconds in worker.ready_seconds[1:]]


async def _until_quiet(database: Database, load: Load) -> int:
    """Everything that waits is done; else how much still waits."""
    deadline = time.monotonic() + QUIET_SECONDS + CHAT_SECONDS * len(load.persons)
    while (left := database.look(waiting, load)) and time.monotonic() < deadline:  # noqa: ASYNC110 - others work
        await asyncio.sleep(0.2)
    return left


def main(
    kills: Annotated[int, typer.Option(help="So many on each engine.")] = 100,
    workers: Annotated[int, typer.Option(help="Workers on PostgreSQL; SQLite has one.")] = 1,
    engine: Annotated[str, typer.Option(help="sqlite, postgresql or both.")] = "both",
) -> None:
    """Kill, start again, compare."""
    failed = False
    for name in ("sqlite", "postgresql") if engine == "both" else (engine,):
        count = 1 if name == "sqlite" else workers
        with tempfile.TemporaryDirectory(prefix="ambassade-chaos-") as folder:
            plan = Plan(fresh_url(name, Path(folder)), Path(folder), kills, workers=count)
            print(f"{name}, {count} worker{'s' if count > 1 else ''}", flush=True)
            report = asyncio.run(play(plan, progress=_show))
        late = max(report.ready_seconds) > READY_SECONDS
        failed = failed or late or bool(report.verdict.wrong)
        print("\n".join(report.lines()), *(["  WRONG: not ready in time"] if late else []), sep="\n", flush=True)
    sys.exit(1 if failed else 0)


def _show(kills: int) -> None:
    if kills % 10 == 0:
        print(f"  … {kills}", flush=True)


if __name__ == "__main__":
    typer.run(main)
