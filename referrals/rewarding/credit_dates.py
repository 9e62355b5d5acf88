"""When a lot of credit ends: its date, the warnings before it, and what comes back late. Pure.

    released ── credit_days less warn_days[0] ──> warning ──> warning ── its days ──> expired

A warning is always followed by the days that it names: where it comes late (an upgrade, a stopped job, a new setting)
the end waits for it. Days are local calendar days.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from referrals.calendar import add_local_days

if TYPE_CHECKING:
    from referrals.programme import Programme


@dataclass(frozen=True, slots=True)
class Rule:
    """How long credit stands, and how many days before its end each warning comes, the longest first."""

    credit_days: int
    warn_days: tuple[int, ...]
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Term:
    """Until when a lot stands, how many warnings it has had, and when to look at it next; None: nothing is left."""

    until_at: datetime
    warnings: int
    next_at: datetime | None


def rule_of(programme: Programme) -> Rule | None:
    """The rule in force; None where credit never ends."""
    expiry = programme.config.expiry
    if expiry.credit_days is None:
        return None
    return Rule(expiry.credit_days, tuple(sorted(expiry.warn_days, reverse=True)), programme.zone)


def begun(rule: Rule, *, released_at: datetime) -> Term:
    """The term of credit that nobody was warned of yet."""
    return _scheduled(rule, Term(add_local_days(released_at, rule.credit_days, rule.zone), 0, None))


def warned(rule: Rule, term: Term, *, now: datetime) -> Term:
    """The next warning is given now; its days follow before the end."""
    days = rule.warn_days[term.warnings]
    until = max(term.until_at, add_local_days(now, days, rule.zone))
    return _scheduled(rule, Term(until, term.warnings + 1, None))


def come_back(rule: Rule, term: Term, *, now: datetime) -> Term:
    """Credit lies in the lot again; where its time is all but over, the last warning and its days come once more."""
    if rule.warn_days and is_warned(rule, term):
        least = add_local_days(now, rule.warn_days[-1], rule.zone)
        if term.until_at < least:
            return Term(least, len(rule.warn_days) - 1, now)
    return _scheduled(rule, term)


def is_warned(rule: Rule, term: Term) -> bool:
    """Whether all that is left to come is the end."""
    return term.warnings >= len(rule.warn_days)


def _scheduled(rule: Rule, term: Term) -> Term:
    if is_warned(rule, term):
        return replace(term, next_at=term.until_at)
    return replace(term, next_at=add_local_days(term.until_at, -rule.warn_days[term.warnings], rule.zone))
