"""An owner decides once for many: what passes is released, what is turned down stays so, whatever comes later."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from referrals.figures.board import board
from referrals.reviewing.codes import retire_leaked
from referrals.reviewing.decide import decide, distrust, trust
from referrals.reviewing.queue import Group, turned_down_group, waiting_group, waiting_groups
from storage.auditlog import AuditEvent
from storage.codes import Code
from storage.database import Database
from storage.installation import Setting
from storage.ledger import PASSED, TURNED_DOWN, Bonus, Posting
from storage.mailbox import Outbox
from tests.builders import NOON, Shop, friend, later, order
from tests.referrals.screening.test_screen import many, shop_of

ACTOR = "owner:1"


def crowded(database: Database, count: int = 3, **keys: Any) -> tuple[Shop, int, str]:
    """Anna's first friend of the hour goes through, the others wait."""
    shop = shop_of(database, fraud__friends_per_hour=1, **keys)
    anna, code = shop.ambassador("Anna")
    many(shop, code, count)
    return shop, anna, code


def the_group(shop: Shop) -> Group:
    (group,), more = shop.database.look(waiting_groups, limit=5)
    assert more == 0
    return group


def say(shop: Shop, group: Group, review: str, **more: Any) -> int:
    how: dict[str, Any] = {"actor": ACTOR, "programme": shop.programme, "now": shop.now}
    return shop.database.run(decide, group, review=review, **how, **more)


def reviews(shop: Shop) -> list[tuple[str, str]]:
    return [(row["review"], row["status"]) for row in sorted(shop.rows(Bonus), key=lambda row: row["id"])]


def test_many_of_one_cause_are_one_thing_to_decide(database: Database) -> None:
    shop, anna, _ = crowded(database)
    group = the_group(shop)
    assert (group.customer_id, group.cause, group.count, group.sums) == (anna, "many_an_hour", 2, {"EUR": 3000})
    assert group.signals == ({"code": "many_an_hour", "points": 60, "count": 3, "bonuses": 2},)


def test_what_passes_is_released_on_its_day(database: Database) -> None:
    """Rule 8: the wait is from payment, not from the decision."""
    shop, anna, _ = crowded(database)
    shop.pass_days(3)
    assert say(shop, the_group(shop), PASSED) == 2
    assert shop.reasons("3") == ["on_hold_until"]
    assert shop.balance(anna).available_minor == 0
    shop.pass_days(18)
    assert (shop.balance(anna).available_minor, shop.faults()) == (4500, [])


def test_what_passes_late_is_released_at_once_and_told(database: Database) -> None:
    shop, anna, _ = crowded(database)
    shop.pass_days(30)
    assert shop.balance(anna).available_minor == 1500
    say(shop, the_group(shop), PASSED)
    assert shop.balance(anna).available_minor == 4500
    assert [row["kind"] for row in shop.rows(Outbox) if row["customer_id"] == anna].count("bonus_available") == 3


def test_what_is_turned_down_stays_so_whatever_the_shop_says(database: Database) -> None:
    """Rule 1: a newer state is applied and revives nothing; the same state changes nothing."""
    shop, anna, code = crowded(database, 2)
    say(shop, the_group(shop), TURNED_DOWN, why="misuse")
    assert reviews(shop) == [("none", "held"), ("turned_down", "reversed")]
    assert shop.reasons("2") == ["refused_by_review"]
    postings = shop.rows(Posting)
    state = order(2, friend(2), code=code)
    shop.deliver(later(state, status="refunded", refunded_minor=9000), state)
    shop.deliver(later(state, 120, status="completed"))
    assert (shop.rows(Posting), reviews(shop)[1]) == (postings, ("turned_down", "reversed"))
    shop.pass_days(40)
    assert (shop.balance(anna).available_minor, shop.faults()) == (1500, [])


def test_the_ambassador_hears_a_kind_no_once(database: Database) -> None:
    shop, *_ = crowded(database, 2)
    group = the_group(shop)
    assert (say(shop, group, TURNED_DOWN), say(shop, group, TURNED_DOWN)) == (1, 0)
    (said,) = [row["data"] for row in shop.rows(Outbox) if row["kind"] == "bonus_reversed"]
    assert said["reason"] == {"code": "refused_by_review"}


def test_a_no_can_be_taken_back_and_the_log_has_both(database: Database) -> None:
    shop, anna, _ = crowded(database, 2)
    group = the_group(shop)
    say(shop, group, TURNED_DOWN, why="own")
    turned_down = shop.database.look(turned_down_group, anna, cause=group.cause, last_id=group.last_id)
    assert turned_down is not None
    assert say(shop, turned_down, PASSED) == 1
    assert reviews(shop)[1] == ("passed", "held")
    log = [
        (row["actor"], row["action"], row["before"]["status"], row["after"]["status"], row["after"]["why"])
        for row in shop.rows(AuditEvent)
    ]
    assert log == [
        (ACTOR, "bonus:review", "waiting", "turned_down", "own"),
        (ACTOR, "bonus:review", "turned_down", "passed", None),
    ]
    shop.pass_days(22)
    assert (shop.balance(anna).available_minor, shop.faults()) == (3000, [])


def test_after_all_means_what_that_card_showed_and_no_earlier_no(database: Database) -> None:
    shop, anna, code = crowded(database, 2)
    say(shop, the_group(shop), TURNED_DOWN, why="own")
    shop.deliver(order(9, friend(9), code=code))
    later_card = the_group(shop)
    say(shop, later_card, TURNED_DOWN, why="unsure")
    again = shop.database.look(turned_down_group, anna, cause=later_card.cause, last_id=later_card.last_id)
    assert again is not None
    assert again.bonus_ids == later_card.bonus_ids


def test_what_came_after_the_card_is_not_decided_with_it(database: Database) -> None:
    shop, anna, code = crowded(database, 2)
    group = the_group(shop)
    shop.deliver(order(9, friend(9), code=code))
    found = shop.database.look(waiting_group, anna, cause=group.cause, last_id=group.last_id)
    assert found is not None
    assert (found.count, the_group(shop).count) == (1, 2)


def test_a_refund_takes_a_waiting_bonus_out_of_the_queue(database: Database) -> None:
    shop, _, code = crowded(database, 2)
    shop.deliver(later(order(2, friend(2), code=code), status="refunded", refunded_minor=9000))
    assert shop.database.look(waiting_groups, limit=5) == ([], 0)
    assert shop.faults() == []


def test_trust_lets_pass_what_waits_and_what_comes(database: Database) -> None:
    shop, anna, code = crowded(database)
    how: dict[str, Any] = {"actor": ACTOR, "now": shop.now}
    assert shop.database.run(trust, anna, programme=shop.programme, **how) == 2
    shop.deliver(order(8, friend(8), code=code))
    assert [row["review"] for row in shop.rows(Bonus) if row["score"]] == ["passed", "passed", "none"]
    shop.database.run(distrust, anna, **how)
    shop.deliver(order(9, friend(9), code=code))
    assert the_group(shop).count == 1


def test_without_the_shops_history_both_causes_must_be_gone(database: Database) -> None:
    """Rule 13: an owner's yes does not replace knowing who bought before, nor the other way round."""
    shop, anna, _ = crowded(database, 2, programme__no_history=False)
    say(shop, the_group(shop), PASSED)
    shop.pass_days(22)
    assert shop.balance(anna).available_minor == 0
    shop.database.run(lambda session: session.add(Setting(key="history_known_since", value=NOON.isoformat())))
    shop.pass_days(0)
    assert (shop.balance(anna).available_minor, shop.faults()) == (3000, [])


def test_history_alone_does_not_free_what_waits_for_an_owner(database: Database) -> None:
    """Rule 13 again."""
    shop, anna, _ = crowded(database, 2, programme__no_history=False)
    shop.database.run(lambda session: session.add(Setting(key="history_known_since", value=NOON.isoformat())))
    shop.pass_days(22)
    assert shop.balance(anna).available_minor == 1500


def test_boards_leave_out_what_waits_and_tell_the_owner_how_many(database: Database) -> None:
    """Rule 33."""
    shop, *_ = crowded(database)
    how: dict[str, Any] = {"period": "month", "at": shop.now, "programme": shop.programme, "now": shop.now}
    found = shop.database.look(board, **how)
    assert ([row.pending for row in found.rows], found.under_review) == ([1], 2)


def test_the_next_order_of_a_friend_who_was_turned_down_waits_again(database: Database) -> None:
    """Rule 6: a bonus that was turned down keeps its turn; under every_order the next one is looked at anew."""
    shop, _, code = crowded(database, 2, bonus__ambassador__when="every_order")
    say(shop, the_group(shop), TURNED_DOWN)
    at = shop.now = NOON + timedelta(days=2)
    shop.deliver(order(5, friend(2, orders=2), code=code, at=at))
    assert the_group(shop).cause == "refused_before"


def test_a_leaked_code_is_retired_for_typing_and_not_for_links(database: Database) -> None:
    """Rule 17: an alias for ever; who types it from now on was sent by nobody."""
    shop = shop_of(database, fraud__leaked_code_friends=1, fraud__friends_per_hour=99)
    anna, code = shop.ambassador("Anna")
    many(shop, code, 2)
    how: dict[str, Any] = {"actor": ACTOR, "programme": shop.programme, "now": shop.now + timedelta(hours=1)}
    fresh = shop.database.run(retire_leaked, anna, **how)
    assert fresh is not None
    assert shop.database.run(retire_leaked, anna, **how) is None
    at = shop.now = NOON + timedelta(days=1)
    shop.deliver(
        order(7, friend(7), code=code, at=at),
        order(8, friend(8), ref=code, at=at),
        order(9, friend(9), code=fresh.code, at=at),
    )
    assert [shop.reasons(number)[0] for number in ("7", "8", "9")] == ["code_retired", "on_hold_until", "on_hold_until"]
    assert [row["main"] for row in sorted(shop.rows(Code), key=lambda row: row["id"])] == [False, True]
    assert [row["data"] for row in shop.rows(Outbox) if row["kind"] == "code_renewed"] == [{"code": fresh.code}]
