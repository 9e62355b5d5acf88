"""How far a file has come: its position moves in the transaction that applies the rows before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from referrals.importing.cells import Refused
from referrals.programme import Programme
from referrals.recruiting.orders import APPLIED, UNCHANGED
from storage.bulk import insert_rows, update_rows
from storage.database import books
from storage.imports import ImportRun

Outcome = str | Refused  # applied, unchanged, or why neither
Apply = Callable[..., Sequence[Outcome]]  # (session, what was read, *, programme, now)


@dataclass(frozen=True, slots=True)
class Progress:
    """What is done of a file."""

    run_id: int
    position: int = 0  # bytes
    line: int = 0
    applied: int = 0
    unchanged: int = 0
    refused: int = 0

    @property
    def rows(self) -> int:
        """How many rows were looked at."""
        return self.applied + self.unchanged + self.refused


class NotKept(Exception):
    """A batch that was only tried; with what would have become of its rows."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        super().__init__("tried")
        self.outcomes = outcomes


def begin_run(session: Session, *, kind: str, shop: str, digest: str, restart: bool, now: datetime) -> Progress:
    """Where this file was cut off; one that is new, was finished, or is to begin again has nothing done."""
    key = {"kind": kind, "shop": shop, "digest": digest}
    started = key | {"started_at": now, "updated_at": now}
    insert_rows(session, ImportRun, [started], ignore_conflicts=True)
    run = session.exec(select(ImportRun).filter_by(**key)).one()
    if run.id is None:
        raise AssertionError("a run that is stored has an id")
    if restart or run.done_at is not None:
        fresh = Progress(run.id)
        update_rows(session, ImportRun, [_row(fresh, now=now) | {"started_at": now, "done_at": None}], key=("id",))
        return fresh
    return Progress(run.id, run.position, run.line, run.applied, run.unchanged, run.refused)


@books
def apply_batch(
    session: Session,
    things: Sequence[Any],
    *,
    apply: Apply,
    upto: Progress,
    programme: Programme,
    now: datetime,
    keep: bool = True,
) -> tuple[Progress, list[Outcome]]:
    """What was read is applied, and the file has come so far. ``upto`` counts the rows that could not be read.

    Raises:
        NotKept: It was only to be tried.
    """
    outcomes = list(apply(session, things, programme=programme, now=now)) if things else []
    if not keep:
        raise NotKept(outcomes)
    progress = counted(upto, outcomes)
    update_rows(session, ImportRun, [_row(progress, now=now)], key=("id",))
    return progress, outcomes


def counted(progress: Progress, outcomes: Sequence[Outcome]) -> Progress:
    """The progress with these rows in its counts."""
    counts = Counter("refused" if isinstance(outcome, Refused) else outcome for outcome in outcomes)
    return replace(
        progress,
        applied=progress.applied + counts[APPLIED],
        unchanged=progress.unchanged + counts[UNCHANGED],
        refused=progress.refused + counts["refused"],
    )


def end_run(session: Session, progress: Progress, *, now: datetime) -> None:
    """The file is done."""
    update_rows(session, ImportRun, [{"id": progress.run_id, "updated_at": now, "done_at": now}], key=("id",))


def _row(progress: Progress, *, now: datetime) -> dict[str, Any]:
    return {
        "id": progress.run_id,
        "position": progress.position,
        "line": progress.line,
        "applied": progress.applied,
        "unchanged": progress.unchanged,
        "refused": progress.refused,
        "updated_at": now,
    }
