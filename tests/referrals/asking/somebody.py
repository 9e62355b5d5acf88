"""A customer to be judged, in the fewest words: Anna, whom nothing keeps from being asked unless a test says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from referrals.asking.cadence import Verdict, judge
from referrals.asking.facts import AskFacts, Said
from referrals.asking.play import GIVE, REFERENCE_ASK, REFERRAL_ASK, SCORE
from referrals.config import parse_config
from referrals.programme import Programme
from tests.referrals.configs import with_keys

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
TUESDAY = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # noon in Amsterdam
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
KINDS = (SCORE, REFERRAL_ASK, REFERENCE_ASK, GIVE)
PLAYS = {SCORE: "score", REFERRAL_ASK: "t6", REFERENCE_ASK: "reference", GIVE: "t9"}
ANNA = AskFacts(
    1,
    verified=True,
    paid_at=(TUESDAY - 400 * DAY, TUESDAY - 100 * DAY),
    first_paid_at=TUESDAY - 400 * DAY,
    score=9,
    scored_at=TUESDAY - 50 * DAY,
)


def programme(**keys: Any) -> Programme:
    """A programme with the defaults of ``config.example.toml``, but for these keys; no database is behind it."""
    config = parse_config(with_keys(**{"cadence__holdout_percent": 0, **keys}), {})
    return Programme(config, fingerprint_key=b"k" * 32, number_salt="salt")


USUAL = programme()


def judged(kind: str, facts: AskFacts = ANNA, *, now: datetime = TUESDAY, **more: Any) -> Verdict:
    """What becomes of a message of this kind that is fresh for two weeks."""
    known = {"play": PLAYS[kind], "cause_at": now - DAY, "expires_at": now + 14 * DAY, "programme": USUAL}
    return judge(kind, facts, now=now, **{**known, **more})


def said(kind: str, at: datetime, **more: Any) -> Said:
    """A message that went out."""
    return Said(more.pop("play", PLAYS[kind]), kind, at, **more)


def anna(**changes: Any) -> AskFacts:
    """Anna, but for this."""
    return replace(ANNA, **changes)


def local(text: str) -> datetime:
    """A moment as Amsterdam's clocks show it."""
    return datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM)
