"""The programme that is measured: Olga's shop and its ambassadors."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session

from benchmarks.requests import SECRET, SHOP, TELEGRAM_SECRET
from referrals.chance import Maker
from referrals.config import Config, parse_config
from referrals.people.enrolment import enrol_ambassador
from referrals.programme import Programme, load_programme, make_keys
from referrals.recruiting.shops import CustomerState
from referrals.recruiting.sign_ups import apply_customers
from storage.database import Database
from storage.schema import upgrade

CONFIG: dict[str, Any] = {
    "programme": {"name": "Theehuis", "base_url": "https://thee.example", "no_history": True},
    "telegram": {
        "token": "1:measured",
        "username": "theehuis_bot",
        "mode": "webhook",
        "webhook_secret": TELEGRAM_SECRET,
    },
    "shops": [
        {"name": SHOP, "kind": "standard", "secrets": [SECRET], "landing_url": "https://shop.example/?ref={code}"}
    ],
    # All limits are looked after and none is reached: every order is to earn its bonus, and no shop's ambassador
    # brings seven friends an hour for long.
    "bonus": {"ambassador": {"per_month": 1000, "budget_per_month": "90000000.00"}},
    "fraud": {"friends_per_hour": 100_000, "friends_per_day": 100_000, "leaked_code_friends": 100_000},
}


def read_config(url: str) -> Config:
    """The configuration; a first order earns its ambassador a bonus, as by default."""
    return parse_config({**CONFIG, "storage": {"url": url}, "web": {"port": 0}})


def make_world(url: str, *, ambassadors: int) -> list[str]:
    """The database exists, with so many ambassadors; their codes."""
    upgrade(url)
    database = Database.open(url)
    try:
        database.run(make_keys, Maker())
        programme = database.look(load_programme, read_config(url))
        return database.run(_enrol, ambassadors, programme=programme, now=datetime.now(UTC))  # noqa: TID251 - a measurement takes place now
    finally:
        database.close()


def _enrol(session: Session, count: int, *, programme: Programme, now: datetime) -> list[str]:
    states = [
        CustomerState(SHOP, f"a{place}", email=f"ambassador{place}@example.com", first_name=f"Anna {place}")
        for place in range(count)
    ]
    outcomes = apply_customers(session, states, programme=programme, now=now)
    views = [
        enrol_ambassador(session, outcome.customer_id, programme=programme, now=now)
        for outcome in outcomes
        if outcome.customer_id is not None
    ]
    return [view.code for view in views]


def sqlite_url(folder: Path) -> str:
    """A database of its own in the folder."""
    return f"sqlite:///{folder / 'measured.db'}"
