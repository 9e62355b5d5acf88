"""What every command begins with, configuration, database and the programme's time, and how it ends in words."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import MINYEAR, datetime, tzinfo
from pathlib import Path

from referrals.clock import Clock
from referrals.clock_row import read_offset
from referrals.config import Config, ConfigError, load_config
from referrals.errors import ProgrammeError
from referrals.programme import Programme, load_programme
from storage.database import Database, Overloaded
from storage.schema import is_at_head

FAILED, WRONG_USE = 1, 2
LAST_YEAR = 9000  # later there is no time left to reckon with


class Misuse(Exception):
    """The command was used wrongly; the sentences say how, one a fault."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Failure(Exception):
    """The command cannot do it now; the sentence says why."""


@dataclass(frozen=True)
class Opened:
    """A command's surroundings. ``now`` is the programme's time at its beginning."""

    config: Config
    database: Database
    programme: Programme
    clock: Clock
    now: datetime

    def moment(self, text: str, *, option: str) -> datetime:
        """The moment that an option names; without a zone it is the programme's. Raises: Misuse."""
        return read_moment(text, option=option, zone=self.programme.zone)


@contextmanager
def opened(path: Path, *, environ: Mapping[str, str] | None = None) -> Iterator[Opened]:
    """The programme of this configuration, open until the block ends. Raises: ConfigError, Failure."""
    config = load_config(path, os.environ if environ is None else environ)
    database = open_database(config)
    try:
        if not is_at_head(config.storage.url):
            _knock(database)
            raise Failure("The database has not the tables of this version: run `ambassade migrate`.")
        programme = database.look(load_programme, config)
        clock = Clock(database.look(read_offset))
        yield Opened(config, database, programme, clock, clock.programme())
    finally:
        database.close()


def _knock(database: Database) -> None:
    """The database answers. Raises: Failure."""
    if database.is_sqlite:
        return
    try:
        database.look(lambda _session: None)
    except Overloaded:
        raise Failure("storage.url: the database does not answer.") from None


def read_moment(text: str, *, option: str, zone: tzinfo) -> datetime:
    """The moment that an option names; without a zone it is in this one. Raises: Misuse."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Misuse(f"{option} is no moment: {text!r}; 2026-12-10T09:00:00+01:00 is one.") from None
    if not MINYEAR < moment.year <= LAST_YEAR:
        raise Misuse(f"{option} is beyond all calendars: {text!r}.")
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def open_database(config: Config) -> Database:
    """The configured database. Raises: ConfigError."""
    try:
        return Database.open(config.storage.url)
    except ValueError as error:
        raise ConfigError([f"storage.url: {error}."]) from None


@contextmanager
def ending_in_words() -> Iterator[None]:
    """What goes wrong in the block is said on standard error, a line a fault, and decides the exit status."""
    try:
        yield
    except (ConfigError, Misuse) as error:
        _leave(WRONG_USE, *error.faults)
    except Failure as error:
        _leave(FAILED, str(error))
    except ProgrammeError as error:
        said = ", ".join(f"{name} {value}" for name, value in error.data.items())
        _leave(FAILED, f"{error.code}: {said}" if said else error.code)
    except UnicodeEncodeError as error:
        if error.encoding != "utf-8":
            raise
        _leave(WRONG_USE, "what was typed is not UTF-8.")
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone, and nobody is left to tell
        raise SystemExit(FAILED) from None
    except Exception as error:
        if os.environ.get("AMBASSADE_DEBUG"):
            raise
        _leave(FAILED, f"{type(error).__name__}: {_first_line(error)}")


def _leave(status: int, *lines: str) -> None:
    for line in lines:
        sys.stderr.write(f"ambassade: {line}\n")
    raise SystemExit(status) from None


def _first_line(error: Exception) -> str:
    """The first line only: what follows in a database's error are statements with their values."""
    return (str(error).splitlines() or ["no word of why"])[0]
