"""Whose turn a job is: a lease in the database's own time, with a fence that rises at each take-over (rules 36).

A holder that was stopped and comes back finds another fence: each of its transactions renews the lease first,
which fails, and nothing of it is committed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import update
from sqlmodel import col, or_

from storage.bulk import insert_rows
from storage.leases import Lease
from storage.machine import machine_now

if TYPE_CHECKING:
    from sqlmodel import Session

LEASE_SECONDS = 30


class LeaseLost(Exception):
    """Somebody else holds the lease now, or it has run out: nothing may be done under it."""


@dataclass(frozen=True, slots=True)
class Held:
    """A lease in hand."""

    name: str
    owner: str
    fence: int


def acquire_lease(session: Session, name: str, *, owner: str, seconds: int = LEASE_SECONDS) -> Held | None:
    """The owner holds the lease for so many seconds, or None while another one does."""
    insert_rows(session, Lease, [{"name": name, "fence": 0}], ignore_conflicts=True)
    now = machine_now(session)
    fence = session.execute(
        update(Lease)
        .where(col(Lease.name) == name, or_(col(Lease.owner).is_(None), col(Lease.until) <= now))
        .values(owner=owner, until=now + timedelta(seconds=seconds), fence=col(Lease.fence) + 1)
        .returning(col(Lease.fence))
    ).scalar_one_or_none()
    return None if fence is None else Held(name, owner, fence)


def renew_lease(session: Session, held: Held, *, seconds: int = LEASE_SECONDS) -> None:
    """The lease is held until this transaction ends, and so many seconds from now. Raises: LeaseLost."""
    now = machine_now(session)
    kept = session.execute(
        update(Lease)
        .where(col(Lease.name) == held.name, col(Lease.fence) == held.fence)
        .where(col(Lease.owner) == held.owner, col(Lease.until) > now)
        .values(until=now + timedelta(seconds=seconds))
        .returning(col(Lease.fence))
    )
    if kept.scalar_one_or_none() is None:
        raise LeaseLost(held.name)


def release_lease(session: Session, held: Held) -> None:
    """The next one need not wait; a lease that was lost already is left alone."""
    session.execute(
        update(Lease)
        .where(col(Lease.name) == held.name, col(Lease.fence) == held.fence, col(Lease.owner) == held.owner)
        .values(owner=None, until=None)
    )
