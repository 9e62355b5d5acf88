"""Orders as state, attributed and booked (rules 1-9, 11-13, 16)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from referrals.people.customers import set_state
from referrals.recruiting.by_hand import refer_by_hand
from referrals.recruiting.clicks import ClickItem, record_clicks
from referrals.recruiting.events import Delivery, apply_deliveries
from referrals.recruiting.orders import dry_run, redecide
from referrals.recruiting.shops import Buyer, CustomerState
from referrals.recruiting.sign_ups import apply_customers
from storage.customers import Customer
from storage.database import Database
from storage.ledger import Bonus, Posting
from storage.mailbox import Outbox
from storage.orders import Order
from storage.referrals import Referral
from tests.builders import BRAM, CHRIS, NOON, SHOP, Shop, friend, later, order


def test_an_order_with_a_code_earns_its_ambassador_a_waiting_bonus(database: Database) -> None:
    """Rule 8: available after the hold, at the same local time."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")

    outcome = shop.deliver(order(1001, code=code))[0]

    assert outcome.status == "applied"
    assert outcome.reasons == ({"code": "on_hold_until", "date": "2026-12-15T11:00:00+00:00"},)
    assert shop.balance(anna).held_minor == 1500
    assert shop.faults() == []


def test_an_order_that_cost_nothing_was_not_refunded(database: Database) -> None:
    """Rule 2: nothing is owed below the minimum."""
    shop = Shop(database)
    _, code = shop.ambassador("Anna")

    (outcome,) = shop.deliver(order(1001, code=code, total=0))

    assert outcome.reasons == ({"code": "below_minimum", "amount_minor": 2500, "currency": "EUR"},)


def test_the_same_state_again_changes_nothing(database: Database) -> None:
    """Rule 1."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")

    outcomes = shop.deliver(*[order(1001, code=code)] * 3) + shop.deliver(order(1001, code=code))

    assert [outcome.status for outcome in outcomes] == ["applied", "unchanged", "unchanged", "unchanged"]
    assert shop.balance(anna).held_minor == 1500


def test_an_older_state_changes_nothing(database: Database) -> None:
    """Rule 1: the newest state wins, whatever comes last."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    paid = order(1001, code=code)

    shop.deliver(later(paid, status="refunded", refunded_minor=9000))
    outcome = shop.deliver(paid)[0]

    assert outcome.status == "unchanged"
    assert shop.balance(anna).held_minor == 0


def test_two_states_of_one_second_are_told_apart_and_fetched_again(database: Database) -> None:
    """Rule 1: rank breaks the tie, and the next reconcile decides."""
    shop = Shop(database)
    _, code = shop.ambassador("Anna")
    paid = order(1001, code=code)

    shop.deliver(replace(paid, status="completed"), paid)

    row = shop.rows(Order)[0]
    assert (row["status"], row["needs_fetch"]) == ("completed", False)
    shop.deliver(replace(paid, status="refunded", refunded_minor=9000))
    assert shop.rows(Order)[0]["needs_fetch"]


def test_a_future_payment_is_held_back_to_the_receipt(database: Database) -> None:
    """Rule 1: a shop's clock may run ahead by five minutes, not more."""
    shop = Shop(database)
    shop.deliver(order(1001, paid_at=NOON + timedelta(days=400)))

    assert shop.rows(Order)[0]["paid_at"] == NOON + timedelta(minutes=5)


def test_a_bare_deletion_is_a_tombstone(database: Database) -> None:
    """Rule 1 and 5: it takes the bonus back, and a later fetch decides."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1001, code=code))
    gone = replace(order(1001, Buyer(), status="deleted", total=0), tombstone=True, updated_at=None, created_at=None)

    shop.deliver(gone, now=NOON + timedelta(hours=1))

    row = shop.rows(Order)[0]
    assert (row["status"], row["needs_fetch"], row["total_minor"]) == ("deleted", True, 9000)
    assert shop.reasons("1001") == ["order_deleted"]
    assert shop.balance(anna).held_minor == 0
    assert shop.deliver(gone, now=NOON + timedelta(hours=1))[0].status == "unchanged"


@pytest.mark.parametrize(
    "kept, percent, expected",
    [(9000, "10", 900), (4500, "10", 450), (3333, "10", 333), (9999, "12.5", 1250), (100_000, "10", 5000)],
)
def test_a_percent_bonus_follows_what_is_kept_up_to_its_maximum(
    database: Database, kept: int, percent: str, expected: int
) -> None:
    """Rule 2: a percent bonus follows kept, half a cent goes up, and the maximum holds."""
    shop = Shop(database, bonus__ambassador__kind="percent", bonus__ambassador__percent=percent)
    anna, code = shop.ambassador("Anna")

    shop.deliver(order(1001, code=code, total=kept))

    assert shop.balance(anna).held_minor == expected


def test_a_partial_refund_lowers_a_percent_bonus(database: Database) -> None:
    """Rule 2."""
    shop = Shop(database, bonus__ambassador__kind="percent", bonus__ambassador__percent="10")
    anna, code = shop.ambassador("Anna")
    paid = order(1001, code=code)
    shop.deliver(paid)

    shop.deliver(later(paid, refunded_minor=4500))

    assert shop.balance(anna).held_minor == 450
    assert shop.reasons("1001") == ["partly_refunded", "on_hold_until"]
    assert shop.faults() == []


def test_a_fixed_bonus_stands_while_the_minimum_is_kept(database: Database) -> None:
    """Rule 2: a fixed one stands while kept is at least the minimum, else nothing is owed."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    paid = order(1001, code=code)
    shop.deliver(paid)

    shop.deliver(later(paid, refunded_minor=6500))
    assert shop.balance(anna).held_minor == 1500

    shop.deliver(later(paid, 120, refunded_minor=6501))
    assert shop.balance(anna).held_minor == 0
    assert shop.reasons("1001") == ["below_minimum"]


def test_more_back_than_was_paid_counts_as_all(database: Database) -> None:
    """Rule 2: refunds above the total are flagged and count as the total."""
    shop = Shop(database)
    paid = order(1001)

    shop.deliver(later(paid, refunded_minor=20_000))

    row = shop.rows(Order)[0]
    assert (row["refunded_minor"], row["over_refunded"]) == (9000, True)


def test_what_was_pinned_at_the_first_payment_is_not_judged_again(database: Database) -> None:
    """Rule 3: the shop's later count of orders does not make the friend an old customer."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    paid = order(1001, code=code)
    shop.deliver(paid)

    shop.deliver(later(paid, status="completed", buyer=replace(BRAM, orders=7), codes=()))

    assert shop.balance(anna).held_minor == 1500


def test_terms_in_force_when_the_order_was_made_hold(database: Database) -> None:
    """Rule 3: new terms are for new orders, and the first hold for all earlier ones."""
    old = Shop(database)
    anna, code = old.ambassador("Anna")
    old.deliver(order(1, friend(1), code=code))
    new = Shop(database, bonus__ambassador__amount="20.00")
    day = NOON + timedelta(days=1)

    new.deliver(order(2, friend(2), code=code, at=day), now=day)
    new.deliver(order(3, friend(3), code=code, at=NOON - timedelta(days=90)), now=day)
    new.deliver(order(4, friend(4), code=code, at=day), now=day)

    assert new.balance(anna).held_minor == 1500 + 2000 + 1500 + 2000


def test_another_currency_is_kept_and_never_converted(database: Database) -> None:
    """Rule 4."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")

    shop.deliver(order(1001, code=code, currency="USD"))

    row = shop.rows(Order)[0]
    assert (row["currency"], row["ambassador_id"]) == ("USD", anna)
    assert shop.reasons("1001") == ["other_currency"]
    assert shop.balance(anna) == shop.balance(anna, "USD")


@pytest.mark.parametrize(
    "change, why",
    [
        ({"test": True}, "test_order"),
        ({"status": "pending", "paid_at": None}, "order_unpaid"),
        ({"status": "cancelled", "paid_at": None}, "order_cancelled"),
        ({"status": "deleted", "paid_at": None}, "order_deleted"),
        ({"status": "cancelled"}, "order_cancelled"),
        ({"status": "deleted"}, "order_deleted"),
        ({"status": "refunded", "refunded_minor": 9000}, "order_refunded"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_orders_that_are_none_earn_nothing_each_with_its_reason(
    database: Database, change: dict[str, Any], why: str
) -> None:
    """Rule 5."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")

    shop.deliver(replace(order(1001, code=code), **change))

    assert why in shop.reasons("1001")
    assert shop.balance(anna).held_minor == 0


def test_guests_are_not_one_friend(database: Database) -> None:
    """Rule 5: a guest without an address has no identity."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")

    shop.deliver(order(1, Buyer(), code=code), order(2, Buyer(), code=code))

    assert shop.balance(anna).held_minor == 3000
    assert len({row["customer_id"] for row in shop.rows(Order)}) == 2


def test_two_orders_of_one_friend_earn_once(database: Database) -> None:
    """Rule 6a."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    second = order(2, replace(BRAM, orders=2), code=code, at=NOON + timedelta(hours=1))

    shop.deliver(order(1, code=code), second, now=NOON + timedelta(hours=2))

    assert shop.balance(anna).held_minor == 1500
    assert shop.reasons("2") == ["not_first_order"]


def test_the_next_order_takes_the_place_of_one_that_falls_away(database: Database) -> None:
    """Rule 6a."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    first, second = order(1, code=code), order(2, replace(BRAM, orders=2), at=NOON + timedelta(hours=1))
    shop.deliver(first, second, now=NOON + timedelta(hours=2))

    shop.deliver(later(first, 300, status="cancelled"), now=NOON + timedelta(hours=6))

    assert shop.reasons("1") == ["order_cancelled"]
    assert shop.reasons("2") == ["on_hold_until"]
    assert shop.balance(anna).held_minor == 1500
    assert shop.faults() == []


def test_under_every_order_each_one_earns(database: Database) -> None:
    """Rule 6a."""
    shop = Shop(database, bonus__ambassador__when="every_order")
    anna, code = shop.ambassador("Anna")

    shop.deliver(order(1, code=code))
    much_later = NOON + timedelta(days=90)
    shop.deliver(order(2, replace(BRAM, orders=2), at=much_later), now=much_later)

    assert shop.balance(anna).held_minor == 3000


def test_the_months_cap_is_filled_in_the_order_of_payment(database: Database) -> None:
    """Rule 6b: an earlier payment takes the place of a later one that still waits."""
    shop = Shop(database, bonus__ambassador__per_month=2)
    anna, code = shop.ambassador("Anna")
    orders = [order(n, friend(n), code=code, at=NOON - timedelta(hours=n)) for n in (1, 2, 3)]

    for each in orders:
        shop.deliver(each)

    assert shop.reasons("1") == ["month_cap"]
    assert shop.balance(anna).held_minor == 3000
    shop.deliver(later(orders[2], 600, status="cancelled"), now=NOON + timedelta(hours=12))
    assert shop.reasons("1") == ["on_hold_until"]
    assert shop.balance(anna).held_minor == 3000
    assert shop.faults() == []


def test_the_cap_counts_local_months(database: Database) -> None:
    """Rule 6b: half past eleven in London is the next month in Amsterdam."""
    shop = Shop(database, bonus__ambassador__per_month=1)
    anna, code = shop.ambassador("Anna")
    border = NOON.replace(month=11, day=30, hour=23, minute=30)

    shop.deliver(
        order(1, friend(1), code=code, at=border - timedelta(hours=2)),
        order(2, friend(2), code=code, at=border),
        now=border + timedelta(hours=1),
    )

    assert shop.balance(anna).held_minor == 3000


def test_what_is_available_keeps_its_place_in_the_month(database: Database) -> None:
    """Rule 6b."""
    shop = Shop(database, bonus__ambassador__per_month=1)
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1, friend(1), code=code))
    shop.pass_days(22)

    shop.deliver(order(2, friend(2), code=code, at=NOON - timedelta(hours=5)))

    assert shop.reasons("2") == ["month_cap"]
    assert shop.balance(anna).available_minor == 1500


def test_the_budget_is_first_come_and_never_refilled(database: Database) -> None:
    """Rule 6c."""
    shop = Shop(database, bonus__ambassador__budget_per_month="40.00")
    anna, code = shop.ambassador("Anna")
    orders = [order(n, friend(n), code=code, at=NOON + timedelta(minutes=n)) for n in (1, 2, 3)]
    soon = NOON + timedelta(hours=1)
    shop.deliver(*orders, now=soon)

    assert shop.reasons("3") == ["budget_spent"]
    shop.deliver(later(orders[0], status="cancelled"), now=soon + timedelta(hours=1))
    shop.deliver(order(4, friend(4), code=code, at=soon), now=soon)

    assert shop.reasons("4") == ["budget_spent"]
    assert shop.balance(anna).held_minor == 1500
    assert shop.faults() == []


def test_every_order_of_arrival_makes_the_same_books(database: Database) -> None:
    """Rule 7 and drill line 13, within the hold and without a budget."""
    shop = Shop(database, bonus__ambassador__per_month=3)
    found = set()
    for round_number, arrival in enumerate(permutations(range(4))):
        anna, code = shop.ambassador(f"Anna{round_number}")
        buyer = Buyer(f"b{round_number}", f"b{round_number}@example.nl", orders=1)
        number = f"{round_number}-"
        paid = order(f"{number}1", buyer, code=code)
        events = [
            paid,
            later(paid, refunded_minor=3000),
            later(paid, 120, status="refunded", refunded_minor=9000),
            order(f"{number}2", replace(buyer, orders=2), code=code, at=NOON + timedelta(minutes=5)),
        ]
        for place in arrival:
            shop.deliver(events[place], now=NOON + timedelta(hours=3))
        books = [
            (row["origin"] == f"order:{row['order_id']}", row["amount_minor"], row["status"])
            for row in shop.rows(Bonus)
            if row["customer_id"] == anna and row["amount_minor"]
        ]
        found.add(
            (tuple(books), shop.balance(anna), tuple(shop.reasons(f"{number}1")), tuple(shop.reasons(f"{number}2")))
        )

    assert len(found) == 1
    assert shop.faults() == []


def test_the_hold_counts_local_days_over_a_clock_change(database: Database) -> None:
    """Rule 8: 21 calendar days later at the same local time, also when the clock goes forward."""
    shop = Shop(database)
    shop.now = NOON.replace(year=2027, month=3, day=20)
    _, code = shop.ambassador("Anna")

    shop.deliver(order(1, code=code, at=shop.now))

    assert shop.rows(Bonus)[0]["available_at"] == shop.now.replace(month=4, day=10, hour=10)


def test_evidence_after_the_order_does_not_count(database: Database) -> None:
    """Rule 11: a code typed at the checkout is dated by the order, whatever arrives when."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    pending = order(1001, status="pending")

    shop.deliver(pending)
    shop.deliver(later(pending, status="paid", paid_at=NOON + timedelta(hours=1), codes=(code,)))

    assert shop.balance(anna).held_minor == 1500


def test_a_ref_without_a_click_counts_as_a_click_at_the_order(database: Database) -> None:
    """Rule 12."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")

    shop.deliver(order(1001, ref=code.lower()))

    assert shop.rows(Order)[0]["evidence"][0]["kind"] == "click"
    assert shop.balance(anna).held_minor == 1500


def test_the_strongest_evidence_wins_and_the_losers_are_kept(database: Database) -> None:
    """Rule 12: a code beats a click."""
    shop = Shop(database)
    anna, anna_code = shop.ambassador("Anna")
    mats, mats_code = shop.ambassador("Mats")

    shop.deliver(order(1001, code=anna_code, ref=mats_code))

    evidence = {row["ambassador_id"]: row.get("lost") for row in shop.rows(Order)[0]["evidence"]}
    assert evidence == {anna: None, mats: "already_referred"}
    pairs = {row["ambassador_id"]: (row["standing"], row["stage"]) for row in shop.rows(Referral)}
    assert pairs == {anna: (True, "ordered"), mats: (False, "refused")}


def test_a_friend_who_bought_before_is_no_new_customer(database: Database) -> None:
    """Rule 13: a paid order before the evidence, or more orders than this one."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1, CHRIS, at=NOON - timedelta(days=50)))

    shop.deliver(order(2, CHRIS, code=code), order(3, friend(3, orders=4), code=code))

    assert shop.reasons("2") == ["friend_is_existing_customer"]
    assert shop.reasons("3") == ["friend_is_existing_customer"]
    assert shop.balance(anna).held_minor == 0


def test_without_history_new_customers_bonuses_wait_for_review(database: Database) -> None:
    """Rule 13."""
    shop = Shop(database, programme__no_history=False)
    anna, code = shop.ambassador("Anna")

    shop.deliver(order(1, code=code))
    shop.pass_days(30)

    assert shop.reasons("1") == ["under_review", "on_hold_until"]
    assert shop.balance(anna).held_minor == 1500


def test_an_order_that_came_alone_has_no_evidence(database: Database) -> None:
    """Rule 12."""
    shop = Shop(database)

    shop.deliver(order(1, CHRIS), order(2, friend(2), code="SALE10"))

    assert shop.reasons("1") == ["no_evidence"]
    assert shop.reasons("2") == ["unknown_code"]


@pytest.mark.parametrize(
    "address", ["mats@gmail.com", "Mats+new@gmail.com", "m.a.t.s@gmail.com", "mats@googlemail.com"]
)
def test_an_own_order_earns_nothing(database: Database, address: str) -> None:
    """Rule 16 and drill line 3: own code, own address with a tag or dots."""
    shop = Shop(database)
    mats, code = shop.ambassador("Mats", email="mats@gmail.com")

    shop.deliver(
        order(1, Buyer(None, address), code=code), order(2, Buyer("other-account", address, orders=1), code=code)
    )

    assert shop.reasons("1") == ["own_order"]
    assert shop.reasons("2") == ["own_order"]
    assert shop.balance(mats).held_minor == 0


def test_an_own_phone_earns_nothing(database: Database) -> None:
    """Rule 16: another account and address, the same telephone."""
    shop = Shop(database)
    _, code = shop.ambassador("Mats", shop_id="66")
    shop.deliver(order(1, Buyer("66", "mats@example.nl", phone="+31 6 12345678", orders=1)))

    shop.deliver(order(2, friend(2, phone="06-12345678"), code=code))

    assert shop.reasons("2") == ["own_order"]


def test_dots_count_at_other_providers(database: Database) -> None:
    """Rule 16: dots are ignored at gmail.com only."""
    shop = Shop(database)
    mats, code = shop.ambassador("Mats", email="m.ats@example.nl")

    shop.deliver(order(1, Buyer(None, "mats@example.nl"), code=code))

    assert shop.balance(mats).held_minor == 1500


def test_a_circle_earns_nothing(database: Database) -> None:
    """Rule 16 and drill line 4: A brings B, B cannot bring A."""
    shop = Shop(database)
    anna, anna_code = shop.ambassador("Anna", shop_id="11")
    bram, bram_code = shop.ambassador("Bram", shop_id="22")
    shop.deliver(order(1, Buyer("22", "bram@example.nl", orders=1), code=anna_code))

    shop.deliver(order(2, Buyer("11", "anna@example.nl", orders=1), code=bram_code))

    assert shop.reasons("2") == ["circular"]
    assert (shop.balance(anna).held_minor, shop.balance(bram).held_minor) == (1500, 0)


def test_a_friend_has_one_ambassador_once(database: Database) -> None:
    """Rule 16: another code on a later order is a losing candidate."""
    shop = Shop(database, bonus__ambassador__when="every_order")
    anna, anna_code = shop.ambassador("Anna")
    mats, mats_code = shop.ambassador("Mats")

    shop.deliver(order(1, code=anna_code))
    shop.deliver(order(2, replace(BRAM, orders=2), code=mats_code, at=NOON + timedelta(minutes=5)), now=NOON)

    assert (shop.balance(anna).held_minor, shop.balance(mats).held_minor) == (3000, 0)


def test_a_dry_run_says_what_would_happen_and_writes_nothing(database: Database) -> None:
    """Design: the same decision runs dry."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")

    found = database.look(dry_run, order(1001, code=code), programme=shop.programme, now=NOON)

    assert (found.ambassador_id, found.evidence, found.bonus_minor) == (anna, "code", 1500)
    assert (shop.rows(Order), shop.rows(Bonus), shop.rows(Outbox)) == ([], [], [])


def test_no_friend_is_named_to_the_ambassador(database: Database) -> None:
    """Drill line 11: notices hold money, dates and reasons."""
    shop = Shop(database)
    _, code = shop.ambassador("Anna")
    paid = order(1001, code=code)
    shop.deliver(paid)
    shop.pass_days(22)
    shop.deliver(later(paid, 90_000, status="refunded", refunded_minor=9000), now=shop.now)

    notices = shop.rows(Outbox)

    assert [row["kind"] for row in notices] == ["bonus_held", "bonus_available", "bonus_reversed"]
    assert not [row for row in notices if "bram" in str(row["data"]).lower() or "1001" in str(row["data"])]


@pytest.mark.parametrize("ahead, counts", [(0.99, True), (240.0, True), (900.0, False)])
def test_a_click_carried_by_its_order_is_not_younger_than_it(database: Database, ahead: float, counts: bool) -> None:
    """Rule 11: shops count whole seconds on clocks of their own; a click much later is another visit."""
    shop = Shop(database)
    anna, code = shop.ambassador("Anna")
    visit = ClickItem(code, SHOP, NOON + timedelta(seconds=ahead))
    landing = database.run(record_clicks, [visit], programme=shop.programme)[0]

    shop.deliver(order(1001, ref=code, click=landing.token), now=NOON + timedelta(hours=1))

    assert shop.balance(anna).held_minor == (1500 if counts else 0)
    assert shop.reasons("1001") == (["on_hold_until"] if counts else ["order_before_sign_up"])


def test_a_replay_books_today_what_arrived_earlier(database: Database) -> None:
    """Rule 37: a delivery that was put aside is received when it was, and booked when it is replayed."""
    shop = Shop(database)
    _, code = shop.ambassador("Anna")
    replayed_at = NOON + timedelta(days=40)
    delivery = Delivery("replay", SHOP, b"{}", order(1001, code=code), NOON, inbox_id=1, replayed_at=replayed_at)

    database.run(apply_deliveries, [delivery], programme=shop.programme)

    assert [row["received_at"] for row in shop.rows(Order)] == [NOON]
    assert [row["at"] for row in shop.rows(Posting)] == [replayed_at]


def test_a_bonus_that_is_taken_back_says_the_amount_or_month_it_was_for(database: Database) -> None:
    """Design 8: every reason carries its date or amount, in the message too."""
    shop = Shop(database)
    _, code = shop.ambassador("Anna")
    paid = order(1001, code=code)
    shop.deliver(paid)

    shop.deliver(later(paid, refunded_minor=8000))

    told = [row["data"]["reason"] for row in shop.rows(Outbox) if row["kind"] == "bonus_reversed"]
    assert told == [{"code": "below_minimum", "amount_minor": 2500, "currency": "EUR"}]


@pytest.mark.parametrize("first", [0, 1], ids=["the newer first", "the older first"])
def test_a_word_on_marketing_stands_until_a_newer_one(database: Database, first: int) -> None:
    """Rule 28: it was given as the order was made, so a late message about an old order undoes no later no."""
    shop = Shop(database)
    no = order(2, replace(BRAM, marketing_consent=False), at=NOON - timedelta(days=1))
    yes = order(1, replace(BRAM, marketing_consent=True), at=NOON - timedelta(days=20))
    for state in (no, yes)[::-1] if first else (no, yes):
        shop.deliver(state)
    shop.deliver(later(yes, 60 * 24 * 30, status="completed"))
    assert [row["marketing_consent"] for row in shop.rows(Customer)] == [False]
    shop.deliver(order(3, replace(BRAM, marketing_consent=True), at=NOON))
    assert [row["marketing_consent"] for row in shop.rows(Customer)] == [True]


def test_an_old_order_does_not_undo_the_no_that_a_deletion_is(database: Database) -> None:
    """Rule 28: nobody whose account is gone is asked about an order from before."""
    shop = Shop(database)
    old = order(1, replace(BRAM, marketing_consent=True), at=NOON - timedelta(days=3))
    shop.deliver(old)
    gone = CustomerState(SHOP, "77", deleted=True)
    database.run(apply_customers, [gone], programme=shop.programme, now=NOON)
    shop.deliver(later(old, 60 * 24 * 4, status="completed"))
    assert [row["marketing_consent"] for row in shop.rows(Customer)] == [False]


@pytest.mark.parametrize("who", ["ambassador", "friend"])
def test_credit_stays_when_somebody_is_shut_out_and_what_waits_is_taken_back(database: Database, who: str) -> None:
    """What is settled stays settled; from then on nothing is earned any more."""
    shop = Shop(database, bonus__ambassador__when="every_order")
    anna, code = shop.ambassador("Anna")
    bram = shop.deliver(order(1, code=code))[0].customer_id
    assert bram is not None
    shop.pass_days(22)
    shop.deliver(order(2, code=code, at=shop.now))
    whom = anna if who == "ambassador" else bram
    shop.database.run(set_state, whom, state="excluded", why="fraud", actor="owner:1", now=shop.now)

    shop.database.run(redecide, [bram], programme=shop.programme, now=shop.now)
    shop.deliver(order(3, code=code, at=shop.now))

    assert (shop.balance(anna).available_minor, shop.balance(anna).held_minor) == (1500, 0)
    assert [shop.reasons(each)[0] for each in ("1", "2", "3")] == ["approved", *["excluded_customer"] * 2]
    assert shop.faults() == []


def test_what_came_before_the_friend_was_brought_earns_nothing_once_credit_stands(database: Database) -> None:
    """Rule 7: a second order with the code makes the friend Anna's, and that it is credit changes no earlier one."""
    shop = Shop(database, bonus__ambassador__when="every_order")
    anna, code = shop.ambassador("Anna")
    alone = order(1)
    shop.deliver(alone, order(2, code=code), order(3))
    shop.pass_days(22)

    shop.deliver(later(alone, status="completed"))

    assert (shop.balance(anna).available_minor, shop.balance(anna).held_minor) == (3000, 0)
    assert [shop.reasons(each)[0] for each in ("1", "2", "3")] == ["no_evidence", "approved", "approved"]


def test_a_circle_that_an_owner_closes_by_hand_earns_once_from_then_on(database: Database) -> None:
    """Rule 16: Anna was brought by Mats before he became her friend; what waited for him falls at once."""
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    mats, code = shop.ambassador("Mats")
    shop.deliver(order(1, Buyer("Anna"), code=code))
    how: dict[str, Any] = {"why": "he said so", "actor": "owner:1", "programme": shop.programme, "now": shop.now}
    shop.database.run(refer_by_hand, ambassador_id=anna, friend_id=mats, **how)
    assert (shop.balance(mats).held_minor, shop.reasons("1"), shop.faults()) == (0, ["circular"], [])
