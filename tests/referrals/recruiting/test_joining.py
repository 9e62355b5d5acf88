from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import Session, select

from referrals.people.customers import code_of, survivor
from referrals.recruiting.joining import are_one, join
from referrals.rewarding.balances import balances
from referrals.rewarding.release import due_bonuses, release_bonuses
from storage.customers import Customer, CustomerAlias
from storage.database import Database
from storage.ledger import Bonus, Posting
from tests.referrals.recruiting.cast import (
    ANNA_CHAT,
    BRAM_CHAT,
    DAY,
    HOUR,
    MATS_CHAT,
    TUESDAY,
    Cast,
    codes_of,
    make_programme,
)


def joined(cast: Cast, one: int, other: int) -> int:
    return cast.database.run(join, one, other, programme=cast.programme, now=cast.now)


def release(cast: Cast) -> None:
    cast.now += 30 * DAY
    due = cast.database.look(due_bonuses, programme=cast.programme, now=cast.now, limit=100)
    cast.database.run(release_bonuses, due, programme=cast.programme, now=cast.now)


def euros(cast: Cast, customer_id: int) -> tuple[int, int]:
    """Held and available, in cents."""
    found = cast.database.look(balances, customer_id).get("EUR")
    return (found.held_minor, found.available_minor) if found else (0, 0)


def bonuses(session: Session) -> list[dict[str, Any]]:
    return [row.model_dump() for row in session.exec(select(Bonus).order_by("id"))]


def transfers(session: Session) -> list[int]:
    return [row.friends for row in session.exec(select(Posting).where(Posting.kind == "transfer"))]


def friends_counted(session: Session) -> int:
    return sum(row.friends for row in session.exec(select(Posting)))


def row(session: Session, customer_id: int) -> dict[str, Any]:
    return session.get_one(Customer, customer_id).model_dump()


def aliases(session: Session) -> dict[int, int]:
    return {alias.merged_id: alias.customer_id for alias in session.exec(select(CustomerAlias))}


def test_the_older_customer_stays_and_the_other_is_an_alias(cast: Cast) -> None:
    """Rule 15: it keeps the older customer."""
    chat = cast.chat(ANNA_CHAT)
    cast.now += HOUR
    shop = cast.customer("77", first_name="Anna", locale="en", marketing_consent=False)
    assert joined(cast, shop, chat) == chat
    assert cast.database.look(aliases) == {shop: chat}
    found = cast.database.look(row, chat)
    assert (found["first_name"], found["locale"], found["marketing_consent"]) == ("Anna", "en", False)
    assert cast.database.look(row, shop)["first_name"] is None
    assert cast.customer("77") == cast.chat(ANNA_CHAT) == chat


def test_joining_again_and_by_old_numbers_changes_nothing(cast: Cast) -> None:
    """Rule 15: readers resolve the alias, however often somebody was merged."""
    one, two, three = cast.customer("1"), cast.customer("2"), cast.customer("3")
    assert joined(cast, two, three) == two
    assert joined(cast, three, one) == one
    assert joined(cast, two, three) == one
    assert cast.database.look(aliases) == {three: one, two: one}
    assert cast.database.look(survivor, three) == one
    assert cast.database.look(are_one, two, three)


def test_all_codes_lead_to_the_one_person(cast: Cast) -> None:
    """Rules 15 and 17: codes and history are kept, one of them is shown."""
    anna, old = cast.ambassador()
    cast.now += HOUR
    new = cast.enrol(cast.chat(ANNA_CHAT))
    joined(cast, anna, cast.chat(ANNA_CHAT))
    assert cast.enrol(anna) == old
    assert cast.database.look(lambda session: getattr(code_of(session, anna), "display", None)) == old.code
    bram = cast.customer("78", ref=new.code)
    assert list(cast.pairs(bram)) == [anna]


def test_what_a_chat_had_earned_is_the_shop_customers(cast: Cast) -> None:
    """Rules 9 and 15: a merge posts transfers; nothing that is booked is edited."""
    anna = cast.customer("77")
    cast.now += HOUR
    chat = cast.chat(ANNA_CHAT)
    code = cast.enrol(chat).code
    cast.order("1001", buyer="78", ref=code)
    release(cast)
    cast.order("1002", buyer="79", ref=code)
    assert euros(cast, chat) == (1500, 1500)
    assert joined(cast, anna, chat) == anna
    assert (euros(cast, chat), euros(cast, anna)) == ((0, 0), (1500, 1500))
    assert {bonus["customer_id"] for bonus in cast.database.look(bonuses)} == {anna}
    assert cast.database.look(transfers) == [0, 0]
    assert cast.audit() == []
    release(cast)
    assert euros(cast, anna) == (0, 3000)
    assert cast.audit() == []


def test_orders_of_the_past_stay_with_the_ambassador_who_was_merged(cast: Cast) -> None:
    """Rules 3 and 15: what was pinned names the one person from now on."""
    anna = cast.customer("77")
    cast.now += HOUR
    chat = cast.chat(ANNA_CHAT)
    code = cast.enrol(chat).code
    cast.order("1001", buyer="78", codes=(code,))
    joined(cast, anna, chat)
    bram = cast.customer("78")
    assert [(pair["ambassador_id"], pair["standing"]) for pair in cast.pairs(bram).values()] == [(anna, True)]
    cast.order("1001", buyer="78", codes=(code,), at=TUESDAY + 2 * HOUR)
    assert euros(cast, anna) == (1500, 0)
    assert cast.audit() == []


@pytest.mark.parametrize("released", [False, True])
def test_an_ambassador_who_is_their_own_friend_earns_nothing(cast: Cast, *, released: bool) -> None:
    """Rules 15 and 16: ``own_account``; what was booked is taken back where it may be."""
    mats = cast.chat(MATS_CHAT)
    code = cast.enrol(mats).code
    cast.now += HOUR
    second = cast.customer("70")
    cast.order("1001", buyer="70", ref=code)
    assert euros(cast, mats) == (1500, 0)
    if released:
        release(cast)
    assert joined(cast, mats, second) == mats
    assert euros(cast, mats) == (0, 0)
    pair = cast.pairs(mats)[mats]
    assert (pair["stage"], pair["standing"], codes_of(pair["reasons"])) == ("refused", False, ["own_account"])
    assert cast.audit() == []


def test_two_friends_who_are_one_count_once(cast: Cast) -> None:
    """Rules 15 and 16: one friend, one ambassador, once."""
    anna, code = cast.ambassador()
    first, second = cast.customer("78"), cast.customer("79")
    cast.order("1001", buyer="78", ref=code.code)
    cast.order("1002", buyer="79", ref=code.code, at=TUESDAY + HOUR)
    assert euros(cast, anna) == (3000, 0)
    joined(cast, first, second)
    assert euros(cast, anna) == (1500, 0)
    assert len(cast.pairs(first)) == 1
    assert cast.audit() == []


def test_two_approved_friends_who_are_one_count_as_one_on_the_board(cast: Cast) -> None:
    """Rules 15, 33 and 34: standings follow the ledger, so a posting takes the second friend out."""
    _, code = cast.ambassador()
    first, second = cast.customer("78"), cast.customer("79")
    cast.order("1001", buyer="78", ref=code.code)
    cast.order("1002", buyer="79", ref=code.code, at=TUESDAY + HOUR)
    release(cast)
    assert cast.database.look(friends_counted) == 2
    joined(cast, first, second)
    assert cast.database.look(friends_counted) == 1
    assert cast.audit() == []


def test_the_earlier_attribution_wins(cast: Cast) -> None:
    """Rule 15."""
    anna, code = cast.ambassador()
    mats, other = cast.ambassador("70", "mats@example.com")
    late = cast.customer("78", ref=other.code, created_at=TUESDAY - HOUR)
    cast.now += HOUR
    early = cast.customer("79", ref=code.code, created_at=TUESDAY - DAY)
    kept = joined(cast, late, early)
    pairs = cast.pairs(kept)
    assert (pairs[anna]["standing"], pairs[mats]["standing"]) == (True, False)
    assert codes_of(pairs[mats]["reasons"]) == ["already_referred"]


def test_two_sign_ups_of_one_person_earn_one_bonus(database: Database) -> None:
    """Rules 6 and 15: their pair is one, and so is what it is worth."""
    cast = Cast(database, make_programme(bonus={"ambassador": {"when": "sign_up", "amount": "5.00"}}))
    anna, code = cast.ambassador()
    one, other = cast.customer("78", ref=code.code), cast.customer("79", ref=code.code)
    assert euros(cast, anna) == (1000, 0)
    joined(cast, one, other)
    assert euros(cast, anna) == (500, 0)
    assert cast.audit() == []


def test_an_invited_chat_whose_order_names_the_shop_customer_has_signed_up(cast: Cast) -> None:
    """Rules 14 and 15: an order with the shop button's token joins chat and shop."""
    anna, code = cast.ambassador()
    cast.start(BRAM_CHAT, code.code, at=TUESDAY - DAY)
    bram = joined(cast, cast.chat(BRAM_CHAT), cast.customer("78"))
    assert cast.pairs(bram)[anna]["stage"] == "signed_up"


def test_a_circle_that_comes_to_light_earns_once_at_most(cast: Cast) -> None:
    """Rules 15 and 16: Anna brought Bram, Bram's chat brought Anna's second account."""
    anna, code = cast.ambassador()
    cast.order("1001", buyer="78", ref=code.code)
    bram, chat = cast.customer("78"), cast.chat(BRAM_CHAT)
    back = cast.enrol(chat).code
    cast.order("1002", buyer="77b", ref=back)
    joined(cast, bram, chat)
    kept = joined(cast, anna, cast.customer("77b"))
    assert sum(sum(euros(cast, each)) for each in (kept, bram)) == 1500
    assert cast.audit() == []


def test_who_is_excluded_stays_so_as_another(cast: Cast) -> None:
    """Rule 18: a second account is no way back in."""
    mats, chat = cast.customer("70"), cast.chat(MATS_CHAT)
    cast.database.run(lambda session: setattr(session.get_one(Customer, chat), "state", "excluded"))
    joined(cast, mats, chat)
    assert cast.database.look(row, mats)["state"] == "excluded"
