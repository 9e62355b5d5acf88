"""``migrate``, ``audit`` and ``doctor``: is everything as it should be, a line each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import make_url
from sqlmodel import Session, col, func, select

from referrals.chance import Maker
from referrals.clock import Clock
from referrals.clock_row import read_offset
from referrals.commands.lines import FAIL, OK, WARN, Line
from referrals.commands.opening import Opened, open_database
from referrals.commands.output import print_json, print_line
from referrals.commands.shop_check import api_lines, last_run
from referrals.config import Config, load_config
from referrals.programme import load_programme, make_keys
from referrals.rewarding.bonuses import history_known
from referrals.rewarding.books import audit
from storage.leases import JobRun
from storage.ledger import HELD, Bonus
from storage.mailbox import QUARANTINED, Chat, Inbox
from storage.schema import is_at_head, upgrade

if TYPE_CHECKING:
    from storage.database import Database

LONG = timedelta(days=7)  # without a word from a shop

TelegramCheck = Callable[[Config], str]  # what Telegram says of the token; raises where it says no


def migrate(path: Path) -> None:
    """The database has every table of this version, and the installation its keys."""
    config = load_config(path, os.environ)
    upgrade(config.storage.url)
    database = open_database(config)
    try:
        database.run(make_keys, Maker())
    finally:
        database.close()
    print_line(f"{_where(config)}: the schema is that of this version")


def show_audit(opened: Opened, *, as_json: bool) -> bool:
    """The books are added again; False, with the first row that is off of each check, where they do not balance."""
    faults = opened.database.look(audit)
    if as_json:
        print_json({"faults": [asdict(fault) for fault in faults]})
    elif not faults:
        print_line("the books balance")
    else:
        for fault in faults:
            print_line(f"{fault.row}: {fault.found} ({fault.check})")
    return not faults


def show_doctor(path: Path, *, telegram: TelegramCheck | None, as_json: bool) -> bool:
    """A line for each thing that was looked at; False where one is wrong. Raises: ConfigError."""
    config = load_config(path, os.environ)
    lines = [Line("configuration", OK, str(path)), *_database_lines(config), *api_lines(config)]
    lines.append(_telegram(config, telegram))
    if as_json:
        print_json([asdict(line) for line in lines])
    else:
        for line in lines:
            print_line(f"{line.status:<4} {line.name}: {line.detail}")
    return all(line.status != FAIL for line in lines)


def _database_lines(config: Config) -> Iterator[Line]:
    """What the database says of itself and of the programme; where it cannot be asked, one line says so."""
    database = open_database(config)
    try:
        yield from _asked(config, database)
    except Exception as error:  # noqa: BLE001 - the doctor tells what is wrong, whatever it is
        yield Line("database", FAIL, f"{_where(config)}: cannot be asked ({type(error).__name__}); see storage.url")
    finally:
        database.close()


def _asked(config: Config, database: Database) -> Iterator[Line]:
    database.look(lambda session: session.exec(select(1)).one())
    yield Line("database", OK, _where(config))
    if not is_at_head(config.storage.url):
        yield Line("migrations", FAIL, "not at this version: run `ambassade migrate`")
        return
    yield Line("migrations", OK, "at this version")
    programme = database.look(load_programme, config)
    clock = Clock(database.look(read_offset))
    yield _clock(config, clock)
    for shop in config.shops:
        yield database.look(_hooks, shop.name, now=clock.programme())
        if shop.api is not None:
            yield database.look(last_run, shop)
    yield database.look(_history, programme)
    yield database.look(_last_audit)
    yield database.look(_answering, config)


def _clock(config: Config, clock: Clock) -> Line:
    if not clock.offset:
        return Line("clock", OK, "the programme's clock is the machine's")
    status = FAIL if config.telegram.is_real else WARN
    return Line(
        "clock",
        status,
        f"the programme's clock is {clock.offset} ahead; it shows {clock.programme():%Y-%m-%d %H:%M} UTC",
    )


def _telegram(config: Config, check: TelegramCheck | None) -> Line:
    if config.telegram.token is None:
        return Line("telegram", WARN, "no telegram.token: the bot role cannot run")
    if check is None:
        return Line("telegram", WARN, "not asked")
    try:
        return Line("telegram", OK, check(config))
    except Exception as error:  # noqa: BLE001 - whatever keeps it from answering; its text may hold the token
        return Line("telegram", FAIL, f"does not take the token, or cannot be reached: {type(error).__name__}")


def _hooks(session: Session, shop: str, *, now: datetime) -> Line:
    own = (col(Inbox.kind) == "hook", col(Inbox.source) == shop)
    last: datetime | None = session.exec(select(func.max(Inbox.received_at)).where(*own)).one()
    quarantined = session.exec(
        select(func.count()).select_from(Inbox).where(*own, col(Inbox.status) == QUARANTINED)
    ).one()
    if last is None:
        return Line(f"hooks {shop}", WARN, "nothing was ever delivered")
    said = f"last delivery {last:%Y-%m-%d %H:%M} UTC, {quarantined} quarantined"
    if now - last > LONG:
        return Line(f"hooks {shop}", WARN, f"{said}; a week of silence: has the shop disabled the hook?")
    return Line(f"hooks {shop}", WARN if quarantined else OK, said)


def _history(session: Session, programme: Any) -> Line:
    """Who bought before we came (rules 13)."""
    waiting = session.exec(
        select(func.count()).select_from(Bonus).where(Bonus.status == HELD, col(Bonus.under_review).is_(True))
    ).one()
    if programme.config.programme.no_history:
        return Line("history", OK, f"a new shop (programme.no_history); {waiting} bonuses under review")
    if history_known(session, programme):
        return Line("history", OK, f"known; {waiting} bonuses under review")
    detail = (
        f"not known, so bonuses wait under review ({waiting} now): `import orders --complete`, or programme.no_history"
    )
    return Line("history", WARN, detail)


def _last_audit(session: Session) -> Line:
    run = session.exec(
        select(JobRun).where(JobRun.job == "audit", col(JobRun.finished_at).is_not(None))
        .order_by(col(JobRun.period).desc()).limit(1)
    ).first()  # fmt: skip
    if run is None:
        return Line("audit", WARN, "the books were never audited: run `ambassade audit`")
    if run.failed:
        return Line("audit", FAIL, f"{run.period}: {run.failed} checks found a row that is off")
    return Line("audit", OK, f"{run.period}: the books balance")


def _answering(session: Session, config: Config) -> Line:
    """Who sees what customers ask and complain of (rules 31)."""
    group, owners = config.telegram.staff_chat_id, config.telegram.owner_ids
    if group is None and not owners:
        return Line("cases", WARN, "nobody would see a question: set telegram.staff_chat_id or telegram.owner_ids")
    seats = (*owners, *(() if group is None else (group,)))
    query = select(Chat.chat_id).where(col(Chat.chat_id).in_(seats), col(Chat.reachable))
    there = set(session.exec(query))
    if group is not None and group in there:
        return Line("cases", OK, "the staff's group gets them")
    away = len(set(owners) - there)
    if group is not None:
        return Line("cases", WARN, f"the staff's group has heard nothing yet, or put the bot out; {away} owners away")
    if away:
        return Line("cases", WARN, f"{away} of {len(owners)} owners never pressed START, or blocked the bot")
    return Line("cases", OK, "every owner gets them")


def _where(config: Config) -> str:
    """The database without its password."""
    url = make_url(config.storage.url)
    return f"{url.get_backend_name()} {url.host or ''}{'/' if url.host else ''}{url.database or ''}"
