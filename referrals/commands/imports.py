"""``import``: a file of the shop's past, batch by batch, from where it was cut off."""

from __future__ import annotations

import csv
import gc
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from referrals.commands.opening import Failure, Misuse, Opened
from referrals.commands.output import print_json, print_line, printable, progress
from referrals.errors import ProgrammeError
from referrals.importing.cells import Refused
from referrals.importing.files import BrokenFile, Overview, Record, Records, look_over
from referrals.importing.kinds import KINDS, ORDERS, POINTING, ROWS, Kind, reader_of
from referrals.importing.runs import NotKept, Outcome, Progress, apply_batch, begin_run, counted, end_run
from referrals.reasons import INTERNAL_ERROR
from referrals.recruiting.history import history_is_known
from storage.database import OutcomeUnknown, Overloaded

AHEAD = timedelta(days=1)  # how far in the future a date may lie: a clock that is off, and a zone that was forgotten
ACTOR = "import"
ALLOCATIONS_BETWEEN_COLLECTIONS = 100_000
REFUSED_COLUMNS = ("line", "column", "reason")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for."""

    kind: str
    path: Path
    shop: str | None = None
    complete: bool = False  # this file holds everything that was ever bought
    restart: bool = False
    dry_run: bool = False
    refused: Path | None = None


@dataclass(slots=True)
class Batch:
    """Rows in hand: what was read, and what could not be, each with its line."""

    things: list[tuple[int, Any]] = field(default_factory=list)
    faults: list[tuple[int, Refused]] = field(default_factory=list)
    costly: int = 0
    position: int = 0
    line: int = 0

    @property
    def is_full(self) -> bool:
        """Is it as much as one transaction should hold?"""
        return len(self.things) + len(self.faults) >= ROWS or self.costly >= POINTING

    def all_faults(self, outcomes: Sequence[Outcome]) -> list[tuple[int, Refused]]:
        """Those too that were refused when they were applied, line by line."""
        lines = (line for line, _ in self.things)
        refused = [(line, why) for line, why in zip(lines, outcomes, strict=True) if isinstance(why, Refused)]
        return sorted([*self.faults, *refused], key=lambda fault: fault[0])


def import_file(opened: Opened, wish: Wish, *, as_json: bool) -> bool:
    """The file is imported as far as it can be read; False where a row was refused. Raises: Misuse, Failure."""
    kind = KINDS.get(wish.kind)
    if kind is None:
        raise Misuse(f"there is no import {wish.kind!r}; there are {', '.join(KINDS)}.")
    if wish.complete and wish.kind != ORDERS:
        raise Misuse("--complete speaks of orders.")
    shop = _shop(opened, wish.shop)
    with ExitStack() as stack:
        stack.enter_context(_collecting_less())
        file = stack.enter_context(_opened(wish.path))
        seen = _looked_over(file, kind, wish)
        read = reader_of(
            kind, seen.names, shop=shop, shops={each.name for each in opened.config.shops},
            programme=opened.programme, latest=opened.now + AHEAD,
        )  # fmt: skip
        _spare(wish)
        begun = _begin(opened, wish, shop, seen)
        report = stack.enter_context(_report(wish.refused, goes_on=begun.position > 0))
        advanced = stack.enter_context(progress(f"import {wish.kind}", total=seen.size))
        advanced(begun.position)
        done = _apply_all(
            opened, Source(file, seen, read), kind=kind, wish=wish, begun=begun, report=report, advanced=advanced
        )
        if not wish.dry_run:
            opened.database.run(end_run, done, now=opened.now)
    known = _say_history(opened, wish, done)
    _print(wish, begun, done, known=known, as_json=as_json)
    return not done.refused


@dataclass(frozen=True, slots=True)
class Source:
    """The file, and what reads its rows."""

    file: BinaryIO
    seen: Overview
    read: Callable[[list[str]], Any]

    def batches(self, kind: Kind, begun: Progress) -> Iterator[Batch]:
        """All rows from where it begins. Raises: BrokenFile."""
        seen = self.seen
        position, line = (begun.position, begun.line) if begun.position else (seen.begin, seen.line)
        records = Records(self.file, delimiter=seen.delimiter, width=len(seen.names), position=position, line=line)
        batch = Batch()
        try:
            for record in records:
                self._take(batch, record, kind)
                if batch.is_full:
                    batch.position, batch.line = records.position, records.line
                    yield batch
                    batch = Batch()
        except BrokenFile:
            yield batch  # what was read before it is good; it stands for no place to go on from
            raise
        batch.position, batch.line = records.position, records.line
        yield batch

    def _take(self, batch: Batch, record: Record, kind: Kind) -> None:
        if record.fault is not None:
            batch.faults.append((record.line, Refused("", record.fault)))
            return
        if not any(record.cells):
            return
        try:
            thing = self.read(record.cells)
        except Refused as why:
            batch.faults.append((record.line, why))
            return
        batch.things.append((record.line, thing))
        batch.costly += kind.is_costly(thing)


def _apply_all(
    opened: Opened,
    source: Source,
    *,
    kind: Kind,
    wish: Wish,
    begun: Progress,
    report: Callable[[int, Refused], None],
    advanced: Callable[[int], None],
) -> Progress:
    done = begun
    try:
        for batch in source.batches(kind, begun):
            before = done
            upto = replace(
                done, refused=done.refused + len(batch.faults),
                position=batch.position or done.position, line=batch.line or done.line,
            )  # fmt: skip
            done, outcomes = _apply(opened, kind, batch.things, before, upto, keep=not wish.dry_run)
            for line, why in batch.all_faults(outcomes):
                report(line, why)
            advanced(done.position - before.position)
    except BrokenFile as broken:
        raise Failure(f"{wish.path.name}: {broken}. The rows before it are imported.") from None
    return done


def _apply(
    opened: Opened, kind: Kind, things: list[tuple[int, Any]], since: Progress, upto: Progress, *, keep: bool
) -> tuple[Progress, list[Outcome]]:
    """One transaction; where our own code fails on it, its halves, until the row that is the cause stands alone."""
    again = partial(_apply, opened, kind, keep=keep)
    try:
        return opened.database.run(
            apply_batch, [thing for _, thing in things], apply=kind.apply, upto=upto,
            programme=opened.programme, now=opened.now, keep=keep,
        )  # fmt: skip
    except NotKept as tried:
        return counted(upto, tried.outcomes), list(tried.outcomes)
    except (Overloaded, OutcomeUnknown):
        raise
    except Exception as error:
        if not things:
            raise
        if len(things) == 1:
            done, _ = again([], since, replace(upto, refused=upto.refused + 1))
            own = error.code if isinstance(error, ProgrammeError) else f"{INTERNAL_ERROR}: {type(error).__name__}"
            return done, [Refused("", own)]
    half = len(things) // 2
    # The first half moves no position: cut off between the two, the whole batch is read again.
    first, outcomes = again(things[:half], since, replace(upto, position=since.position, line=since.line))
    second, more = again(things[half:], first, replace(first, position=upto.position, line=upto.line))
    return second, outcomes + more


def _begin(opened: Opened, wish: Wish, shop: str, seen: Overview) -> Progress:
    if wish.dry_run:
        return Progress(0)
    begun = opened.database.run(
        begin_run, kind=wish.kind, shop=shop, digest=seen.digest, restart=wish.restart, now=opened.now
    )
    if begun.position:
        _warn(f"goes on after line {begun.line}, where this file was cut off; --restart begins again")
    return begun


def _say_history(opened: Opened, wish: Wish, done: Progress) -> bool:
    """With ``--complete`` and every row in, nobody waits for the history any more (rules 13)."""
    if not wish.complete or wish.dry_run:
        return False
    if done.refused:
        _warn("--complete: rows were refused, so the history is not known yet; correct them and import the file again")
        return False
    opened.database.run(history_is_known, programme=opened.programme, now=opened.now, actor=ACTOR)
    return True


def _looked_over(file: BinaryIO, kind: Kind, wish: Wish) -> Overview:
    """Raises: Misuse, where no row of the file could be read."""
    try:
        seen = look_over(file, kind.columns)
        columns = kind.columns_of(seen.names)
    except BrokenFile as broken:
        raise Misuse(f"{wish.path.name}: {broken}.") from None
    except Refused as missing:
        raise Misuse(f"{wish.path.name}: {missing}; docs/import.md lists them.") from None
    if columns.ignored:
        _warn(f"columns that are not used: {', '.join(columns.ignored)[:500]}")
    return seen


@contextmanager
def _collecting_less() -> Iterator[None]:
    """The collector looks less often: rows make no cycles, and looking for them cost a fifth of the time."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS_BETWEEN_COLLECTIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise Misuse(f"{path}: cannot be read: {error.strerror}.") from None


def _spare(wish: Wish) -> None:
    """What is imported is not written over. Raises: Misuse."""
    if wish.refused is not None and wish.refused.exists() and wish.refused.samefile(wish.path):
        raise Misuse(f"--refused {wish.refused}: that is the file that is imported.")


def _shop(opened: Opened, name: str | None) -> str:
    shop = opened.config.shops[0] if name is None else opened.config.shop(name)
    if shop is None:
        raise Misuse(f"--shop is {name!r}, and there is no such [[shops]].")
    return shop.name


@contextmanager
def _report(path: Path | None, *, goes_on: bool) -> Iterator[Callable[[int, Refused], None]]:
    """Refused rows are told a line each: on standard error, or in the file, which goes on as the import does."""
    if path is None:
        yield lambda line, why: _warn(f"line {line}: {why}")
        return
    try:
        file: TextIO = path.open("a" if goes_on else "w", encoding="utf-8", newline="")
    except OSError as error:
        raise Misuse(f"--refused {path}: cannot be written: {error.strerror}.") from None
    with file:
        writer = csv.writer(file)
        if not goes_on:
            writer.writerow(REFUSED_COLUMNS)

        def tell(line: int, why: Refused) -> None:
            writer.writerow((line, why.column, why.why))
            file.flush()

        yield tell


def _print(wish: Wish, begun: Progress, done: Progress, *, known: bool, as_json: bool) -> None:
    counts = {"applied": done.applied, "unchanged": done.unchanged, "refused": done.refused}
    if as_json:
        more = {"dry_run": wish.dry_run, "resumed_after_line": begun.line or None, "history_known": known}
        print_json({"kind": wish.kind, "file": wish.path.name, "rows": done.rows} | counts | more)
        return
    print_line(", ".join(f"{count} {name}" for name, count in counts.items()) + _ending(wish, known=known))


def _ending(wish: Wish, *, known: bool) -> str:
    endings: Iterable[str] = (
        "; nothing was written" * wish.dry_run,
        "; the history is known from now on" * known,
    )
    return "".join(endings)


def _warn(text: str) -> None:
    sys.stderr.write(f"ambassade: {printable(text)}\n")
