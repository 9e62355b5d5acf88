"""The dry run over past orders: what other rules would have cost, and that nothing is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from referrals.commands.opening import Misuse
from referrals.commands.rehearsal import proposed_config
from referrals.config import ConfigError, parse_config
from referrals.recruiting.rehearsal import Rehearsal, Span, rehearse
from storage.database import Database
from storage.ledger import Bonus, Entry, Posting
from storage.orders import Order, Terms
from storage.referrals import Referral
from tests.builders import NOON, Shop, friend, later, order
from tests.referrals.configs import with_keys

DAY = timedelta(days=1)
TABLES = (Order, Terms, Referral, Bonus, Posting, Entry)


def told(database: Database, shop: Shop, since: float = -1, until: float = 60, **keys: Any) -> Rehearsal:
    config = parse_config(with_keys(programme__no_history=True, **keys))
    return database.look(
        rehearse,
        programme=shop.programme,
        proposed=replace(shop.programme, config=config),
        span=Span(NOON + since * DAY, NOON + until * DAY),
        now=shop.now,
    )


@pytest.fixture
def shop(database: Database) -> Shop:
    """Anna brought two friends, one of whom came again; Mats brought one, who sent it back."""
    shop = Shop(database, bonus__ambassador__budget_per_month="none")
    _, anna = shop.ambassador("Anna")
    _, mats = shop.ambassador("Mats")
    back = order(4, friend(3), code=mats, at=NOON + 3 * DAY)
    shop.deliver(
        order(1, friend(1), code=anna),
        order(2, friend(2), code=anna, total=20000, at=NOON + DAY),
        order(3, friend(1), code=anna, at=NOON + 2 * DAY),
        back,
        now=NOON + 4 * DAY,
    )
    shop.deliver(later(back, status="refunded", refunded_minor=9000))
    shop.pass_days(40)
    return shop


@pytest.mark.parametrize(
    "rules, bonuses, cost",
    [
        ({}, 2, 3000),
        ({"bonus__ambassador__amount": "20.00"}, 2, 4000),
        ({"bonus__ambassador__when": "every_order"}, 3, 4500),
        ({"bonus__ambassador__when": "nth_order", "bonus__ambassador__nth": 2}, 1, 1500),
        ({"bonus__ambassador__kind": "percent", "bonus__ambassador__percent": "10"}, 2, 2900),
        ({"bonus__ambassador__min_order": "100.00"}, 1, 1500),
        ({"bonus__ambassador__per_month": 1}, 1, 1500),
        ({"bonus__ambassador__budget_per_month": "20.00"}, 2, 2000),
        ({"bonus__milestones": [{"friends": 2, "amount": "10.00"}]}, 2, 4000),
        ({"campaigns": [{"name": "x", "from": "2026-11-25", "until": "2026-11-25", "ambassador": {"amount": "40.00"}}]},
         2, 5500),
    ],
)  # fmt: skip
def test_past_orders_are_worked_out_under_other_rules(
    database: Database, shop: Shop, rules: dict[str, Any], bonuses: int, cost: int
) -> None:
    """Rules 2, 3, 6: what is settled does not stand in the way of what would have been."""
    before = [shop.rows(table) for table in TABLES]

    found = told(database, shop, **rules)

    assert (found.would.bonuses, found.would.spent_minor) == (bonuses, cost)
    assert (found.orders, found.now.bonuses, found.now.spent_minor) == (4, 2, 3000)
    assert [shop.rows(table) for table in TABLES] == before


def test_only_the_span_counts_and_what_was_before_it_keeps_its_place(database: Database, shop: Shop) -> None:
    """Rule 6a: the first order of a friend was earlier, so that a later one earns nothing."""
    found = told(database, shop, since=0.5)
    assert (found.orders, found.would.bonuses, found.would.spent_minor) == (3, 1, 1500)
    assert [minor for minor, _ in found.would.largest] == [1500]


def test_what_is_said_of_now_is_what_was_booked(database: Database, shop: Shop) -> None:
    booked = sum(row["amount_minor"] for row in shop.rows(Bonus))
    assert told(database, shop).now.spent_minor == booked


def test_a_file_with_some_rules_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    config = parse_config(with_keys(hold__days=9))
    file = tmp_path / "new.toml"
    file.write_text('[bonus.ambassador]\namount = "20.00"\n', encoding="utf-8")
    proposed = proposed_config(config, file)
    assert (proposed.bonus.ambassador.amount_minor, proposed.hold.days, proposed.shops) == (2000, 9, config.shops)


@pytest.mark.parametrize(
    "text, fault",
    [
        ("[bonuss]", ConfigError),
        ('[bonus.ambassador]\namount = "much"', ConfigError),
        ("[web]\nport = 1", Misuse),
        ("[", Misuse),
    ],
)
def test_rules_that_cannot_be_read_are_refused(tmp_path: Path, text: str, fault: type[Exception]) -> None:
    file = tmp_path / "new.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(fault):
        proposed_config(parse_config(with_keys()), file)
