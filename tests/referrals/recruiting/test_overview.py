from __future__ import annotations

import json
from datetime import timedelta

import pytest

from referrals.errors import UnknownReferral
from referrals.recruiting.overview import FriendView, Why, friends_of, referral_view, referral_views, status_of, why
from storage.database import Database
from storage.referrals import Referral
from tests.builders import BRAM, NOON, Shop, friend, later, order


def friends(shop: Shop, anna: int, *, limit: int = 20, before_id: int | None = None) -> list[FriendView]:
    return shop.database.look(
        friends_of, anna, programme=shop.programme, now=shop.now, limit=limit, before_id=before_id
    )


def reasons(shop: Shop, anna: int) -> list[Why]:
    return shop.database.look(why, anna, programme=shop.programme, now=shop.now)


@pytest.mark.parametrize(
    "stage,bonuses,status",
    [
        ("invited", [], "invited"),
        ("signed_up", [], "signed_up"),
        ("ordered", [], "refused"),
        ("refused", [], "refused"),
        ("ordered", [("held", 1500)], "on_hold"),
        ("ordered", [("held", 1500), ("available", 1500)], "approved"),
        ("ordered", [("reversed", 0), ("refused", 0)], "reversed"),
        ("ordered", [("reversed", 0), ("held", 1500)], "on_hold"),
        ("signed_up", [("refused", 0)], "refused"),
    ],
)
def test_the_status_is_derived_from_the_bonuses(stage: str, bonuses: list[tuple[str, int]], status: str) -> None:
    """Rule 14: approved if any is, else on_hold, else reversed, else refused."""
    assert status_of(stage, [{"status": name, "amount_minor": amount} for name, amount in bonuses]) == status


def test_a_friend_goes_from_on_hold_to_approved_to_reversed(database: Database) -> None:
    """Rule 14."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    bought = order(1, code=code)
    shop.deliver(bought)
    held = friends(shop, anna)[0]
    assert (held.status, held.amount_minor, [why["code"] for why in held.reasons]) == (
        "on_hold",
        1500,
        ["on_hold_until"],
    )
    assert held.available_at == NOON + timedelta(days=21)
    shop.pass_days(22)
    assert (friends(shop, anna)[0].status, friends(shop, anna)[0].available_at) == ("approved", None)
    shop.deliver(later(bought, refunded_minor=9000, status="refunded"))
    assert (friends(shop, anna)[0].status, friends(shop, anna)[0].amount_minor) == ("reversed", 0)


def test_friends_come_newest_first_and_in_pages(database: Database) -> None:
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    for n in range(5):
        shop.deliver(order(n, friend(n), code=code))
    first = friends(shop, anna, limit=3)
    rest = friends(shop, anna, limit=3, before_id=first[-1].referral_id)
    ids = [one.referral_id for one in [*first, *rest]]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 5


def test_an_ambassador_sees_nothing_of_the_friend(database: Database) -> None:
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    shop.deliver(order("order-4711", code=code))
    seen = f"{friends(shop, anna)} {reasons(shop, anna)}"
    for secret in ("bram", "77", "4711", "friend_id"):
        assert secret not in seen


def test_why_names_each_that_waits_or_does_not_count_newest_first(database: Database) -> None:
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    customer = friend(1, orders=4)
    shop.deliver(order(1, customer, code=code), order(2, code=code, total=2000, at=NOON + timedelta(hours=1)))
    shop.deliver(order(3, friend(3), code=code, at=NOON + timedelta(hours=2)), now=NOON + timedelta(hours=3))
    found = [(one.status, one.reasons[0]["code"]) for one in reasons(shop, anna)]
    assert found == [
        ("on_hold", "on_hold_until"), ("refused", "below_minimum"), ("refused", "friend_is_existing_customer"),
    ]  # fmt: skip


def test_why_tells_somebody_that_their_own_order_does_not_count(database: Database) -> None:
    """Rule 16."""
    shop = Shop(database)
    mats, code = shop.ambassador("Mats", shop_id="99")
    shop.deliver(order(1, friend(9, id="99", email="mats@example.nl"), code=code))
    assert [one.reasons[0]["code"] for one in reasons(shop, mats)] == ["own_order"]
    assert friends(shop, mats) == []


def test_the_owner_sees_evidence_losing_candidates_and_reasons(database: Database) -> None:
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    mats, other = shop.ambassador("Mats")
    shop.deliver(order(1, code=code))
    shop.deliver(order(2, BRAM, code=other, at=NOON + timedelta(hours=1)), now=NOON + timedelta(hours=2))
    pair = next(row for row in shop.rows(Referral) if row["ambassador_id"] == anna)
    view = json.loads(json.dumps(database.look(referral_view, pair["id"], programme=shop.programme)))
    assert (view["status"], view["evidence"]["kind"], view["evidence"]["code"]) == ("on_hold", "code", code)
    assert (view["bonus"]["amount_minor"], view["bonus"]["status"]) == (1500, "held")
    assert [(one["customer"], one["lost"]) for one in view["candidates"]] == [
        (shop.programme.number("customer", mats), "already_referred")
    ]
    assert [why["code"] for why in view["reasons"]] == ["on_hold_until"]
    assert view["orders"][0]["order"] == "1"
    assert view["orders"][0]["counts"]


def test_a_list_can_be_one_ambassadors(database: Database) -> None:
    shop = Shop(database)
    (anna, code), (_, other) = shop.ambassador("Anna"), shop.ambassador("Olga")
    shop.deliver(order(1, friend(1), code=code), order(2, friend(2), code=other))
    everybody = database.look(referral_views, programme=shop.programme, limit=10)
    hers = database.look(referral_views, programme=shop.programme, limit=10, ambassador_id=anna)
    assert (len(everybody), [row["customer"] for row in hers]) == (2, [shop.programme.number("customer", anna)])


def test_a_referral_that_there_is_not_is_an_error(database: Database) -> None:
    with pytest.raises(UnknownReferral):
        database.look(referral_view, 4711, programme=Shop(database).programme)
