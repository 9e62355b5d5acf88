from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import Session, select

from referrals.people.customers import access_of, code_of
from storage.auditlog import AuditEvent
from storage.mailbox import Outbox
from tests.referrals.recruiting.cast import (
    ANNA_CHAT,
    BRAM_CHAT,
    CHRIS_CHAT,
    DAY,
    HOUR,
    MATS_CHAT,
    TUESDAY,
    Cast,
    codes_of,
)

EMAIL = "bram@example.com"


def notices(session: Session, kind: str) -> list[int]:
    return [row.customer_id or 0 for row in session.exec(select(Outbox).where(Outbox.kind == kind))]


def actions(session: Session) -> list[str]:
    return [row.action for row in session.exec(select(AuditEvent))]


def level(cast: Cast, telegram_id: int) -> str:
    access = cast.database.look(access_of, telegram_id=telegram_id)
    assert access is not None
    return access.level


def test_a_link_connects_the_chat_and_makes_no_code(cast: Cast) -> None:
    """Rules 18 and 19."""
    bram = cast.customer("78")
    outcome = cast.connect(BRAM_CHAT, cast.token(bram))
    assert (outcome.kind, outcome.customer_id) == ("connected", bram)
    assert cast.chat(BRAM_CHAT) == bram
    assert cast.database.look(lambda session: code_of(session, bram) is None)


def test_an_invited_chat_that_connects_has_signed_up_at_the_date_of_its_start(cast: Cast) -> None:
    """Rules 11 and 14."""
    anna, code = cast.ambassador()
    cast.start(BRAM_CHAT, code.code, at=TUESDAY - HOUR)
    bram = cast.connect(BRAM_CHAT, cast.token(cast.customer("78"))).customer_id or 0
    pair = cast.pairs(bram)[anna]
    assert (pair["stage"], pair["standing"], pair["evidence"]) == ("signed_up", True, "sign_up")
    assert (pair["evidence_at"], pair["signed_up_at"]) == (TUESDAY - HOUR, TUESDAY)


def test_connecting_decides_an_order_that_had_no_ambassador(cast: Cast) -> None:
    """Rule 11: learning an identity re-decides, with evidence at its own date."""
    anna, code = cast.ambassador()
    cast.start(BRAM_CHAT, code.code, at=TUESDAY - DAY)
    cast.order("1001", buyer="78", at=TUESDAY - HOUR)
    assert cast.held(anna) == 0
    cast.connect(BRAM_CHAT, cast.token(cast.customer("78")))
    assert cast.held(anna) == 1500
    assert cast.audit() == []


def test_a_start_after_the_order_does_not_count_for_it(cast: Cast) -> None:
    """Rules 11 and 13."""
    anna, code = cast.ambassador()
    cast.order("1001", buyer="78", at=TUESDAY - DAY)
    cast.start(BRAM_CHAT, code.code, at=TUESDAY - HOUR)
    bram = cast.connect(BRAM_CHAT, cast.token(cast.customer("78"))).customer_id or 0
    assert codes_of(cast.pairs(bram)[anna]["reasons"]) == ["friend_is_existing_customer"]
    assert cast.held(anna) == 0


def test_the_same_chat_again_is_harmless(cast: Cast) -> None:
    """Rule 19."""
    bram = cast.customer("78")
    token = cast.token(bram)
    cast.connect(BRAM_CHAT, token)
    again = cast.connect(BRAM_CHAT, token)
    assert (again.kind, again.customer_id) == ("already", bram)
    assert cast.connect(BRAM_CHAT, cast.token(bram)).kind == "connected"
    assert cast.database.look(notices, "token_used_elsewhere") == []


def test_another_chat_hears_already_used_and_the_first_is_told_once(cast: Cast) -> None:
    """Rule 19."""
    bram = cast.customer("78")
    token = cast.token(bram)
    cast.connect(BRAM_CHAT, token)
    for _ in range(2):
        outcome = cast.connect(MATS_CHAT, token)
        assert (outcome.kind, outcome.customer_id, outcome.told_chat_id) == ("used_elsewhere", None, BRAM_CHAT)
    assert cast.database.look(notices, "token_used_elsewhere") == [bram]
    assert cast.chat(MATS_CHAT) != bram


def test_a_bound_account_is_not_moved_by_a_fresh_link(cast: Cast) -> None:
    """Rule 19: never silently; the link stays for the chat that is bound."""
    bram = cast.customer("78")
    cast.connect(BRAM_CHAT, cast.token(bram))
    token = cast.token(bram)
    outcome = cast.connect(MATS_CHAT, token)
    assert (outcome.kind, outcome.told_chat_id) == ("bound_elsewhere", BRAM_CHAT)
    assert cast.chat(MATS_CHAT) != bram
    assert cast.database.look(notices, "token_used_elsewhere") == [bram]
    assert cast.connect(BRAM_CHAT, token).kind == "connected"


def test_the_ambassadors_own_second_chat_is_no_friend(cast: Cast) -> None:
    """Rules 16 and 19, drill 3: it started with her own code, and it holds her own link."""
    anna, code = cast.ambassador()
    cast.connect(ANNA_CHAT, cast.token(anna))
    assert cast.start(MATS_CHAT, code.code).kind == "invited"
    cast.connect(MATS_CHAT, cast.token(anna))
    pair = cast.pairs(cast.chat(MATS_CHAT))[anna]
    assert (pair["stage"], codes_of(pair["reasons"])) == ("refused", ["own_account"])
    assert cast.start(MATS_CHAT, code.code).kind == "own_account"


def test_a_first_chat_that_used_its_own_code_becomes_its_owner(cast: Cast) -> None:
    """Rules 15 and 16: START with the own code, then the own link."""
    anna, code = cast.ambassador()
    cast.start(ANNA_CHAT, code.code)
    joined = cast.connect(ANNA_CHAT, cast.token(anna)).customer_id or 0
    pair = cast.pairs(joined)[joined]
    assert (pair["stage"], pair["standing"], codes_of(pair["reasons"])) == ("refused", False, ["own_account"])


@pytest.mark.parametrize("age, kind", [(29, "connected"), (30, "expired"), (400, "expired")])
def test_a_link_ends_on_the_machines_clock(cast: Cast, age: int, kind: str) -> None:
    """Rules 19 and 35."""
    token = cast.token(cast.customer("78"))
    assert cast.connect(BRAM_CHAT, token, machine_now=TUESDAY + age * DAY).kind == kind
    assert cast.connect(MATS_CHAT, "made up").kind == "unknown"


def test_an_order_number_and_its_address_claim_the_account(cast: Cast) -> None:
    """Rule 20: the level is claimed, and sign-ups count."""
    anna, code = cast.ambassador()
    cast.start(BRAM_CHAT, code.code, at=TUESDAY - 2 * DAY)
    cast.order("1001", email=EMAIL, at=TUESDAY - DAY)
    outcome = cast.claim(BRAM_CHAT, " #1001 ", "Bram+shop@Example.com")
    assert outcome.kind == "claimed"
    assert level(cast, BRAM_CHAT) == "claimed"
    assert cast.held(anna) == 1500


@pytest.mark.parametrize("typed", ["#EN1001", " en1001 ", "5871120047"])
def test_the_number_that_a_buyer_reads_will_do_as_well_as_the_shops_own(cast: Cast, typed: str) -> None:
    """Rule 20: a shop may show its buyers another number than its id."""
    cast.order("5871120047", email=EMAIL, number="EN1001")
    cast.order("EN1001", email="chris@example.com")  # of two orders with one number the address decides
    assert cast.claim(BRAM_CHAT, typed, EMAIL).kind == "claimed"


def test_a_link_verifies_what_was_claimed(cast: Cast) -> None:
    """Rule 20."""
    cast.order("1001", email=EMAIL)
    bram = cast.claim(BRAM_CHAT, "1001", EMAIL).customer_id or 0
    assert cast.connect(BRAM_CHAT, cast.token(bram)).kind == "connected"
    assert level(cast, BRAM_CHAT) == "verified"


def test_a_link_in_another_chat_ends_a_claim_and_says_so(cast: Cast) -> None:
    """Rules 19 and 20: a claim does not keep the owner out."""
    cast.order("1001", email=EMAIL)
    bram = cast.claim(MATS_CHAT, "1001", EMAIL).customer_id or 0
    assert cast.connect(BRAM_CHAT, cast.token(bram)).kind == "connected"
    mats = cast.chat(MATS_CHAT)
    assert mats != cast.chat(BRAM_CHAT)
    assert cast.database.look(notices, "claim_ended") == [mats]
    assert level(cast, MATS_CHAT) == "chat_only"


@pytest.mark.parametrize(
    "number, email, said",
    [
        ("1002", EMAIL, {}),
        ("1001", "chris@example.com", {}),
        ("1001", "no address", {}),
        ("", EMAIL, {}),
        ("1\x00001", EMAIL, {}),
        ("1001", EMAIL, {"paid": False}),
        ("1001", EMAIL, {"at": TUESDAY - 61 * DAY}),
    ],
)
def test_every_miss_is_one_answer(cast: Cast, number: str, email: str, said: dict[str, Any]) -> None:
    """Rule 20: a wrong number, a wrong address, an unpaid or an old order."""
    cast.order("1001", email=EMAIL, **said)
    cast.customer("79", email="chris@example.com")
    outcome = cast.claim(BRAM_CHAT, number, email)
    assert (outcome.kind, outcome.customer_id, outcome.told_chat_id) == ("missed", None, None)


def test_an_account_that_has_a_chat_cannot_be_claimed(cast: Cast) -> None:
    """Rule 20: only customers without a chat; the answer is that of any miss."""
    cast.order("1001", email=EMAIL)
    cast.claim(BRAM_CHAT, "1001", EMAIL)
    assert cast.claim(MATS_CHAT, "1001", EMAIL).kind == "missed"


def test_a_second_chat_that_knows_the_ambassadors_order_is_no_friend(cast: Cast) -> None:
    """Rules 16 and 20, drill 3."""
    anna, code = cast.ambassador()
    cast.order("1001", buyer="77", email="anna@example.com")
    cast.connect(ANNA_CHAT, cast.token(anna))
    cast.start(MATS_CHAT, code.code)
    assert cast.claim(MATS_CHAT, "1001", "anna@example.com").kind == "missed"
    assert codes_of(cast.pairs(cast.chat(MATS_CHAT))[anna]["reasons"]) == ["own_account"]


def test_a_connected_chat_claims_nothing_more(cast: Cast) -> None:
    """Rules 19 and 20: a bound account is not moved by what others know too."""
    cast.order("1001", email=EMAIL)
    cast.connect(MATS_CHAT, cast.token(cast.customer("70")))
    assert cast.claim(MATS_CHAT, "1001", EMAIL).kind == "already"


def test_an_ambassador_who_claims_a_friend_is_looked_at(cast: Cast) -> None:
    """Rule 20: if the claimant is that friend's ambassador, review; nothing is joined."""
    mats = cast.chat(MATS_CHAT)
    code = cast.enrol(mats)
    cast.order("1001", email=EMAIL, ref=code.code)
    held = cast.held(mats)
    assert held == 1500
    assert cast.claim(MATS_CHAT, "1001", EMAIL).kind == "review"
    assert "connect:review" in cast.database.look(actions)
    assert (cast.chat(MATS_CHAT), cast.held(mats)) == (mats, held)


def test_tries_are_limited_a_chat_an_hour(cast: Cast) -> None:
    """Rule 20: and the right answer is too many as well."""
    cast.order("1001", email=EMAIL)
    kinds = [cast.claim(MATS_CHAT, str(number), f"m{number}@example.com").kind for number in range(5)]
    assert kinds == ["missed"] * 5
    assert cast.claim(MATS_CHAT, "1001", EMAIL).kind == "too_many"
    assert cast.claim(MATS_CHAT, "1001", EMAIL, machine_now=TUESDAY + HOUR).kind == "claimed"


def test_tries_are_limited_an_address_a_day(cast: Cast) -> None:
    """Rule 20: guessing order numbers of one address from many chats."""
    cast.order("1001", email=EMAIL)
    for guess in range(5):
        assert cast.claim(200 + guess, str(guess), EMAIL).kind == "missed"
    assert cast.claim(CHRIS_CHAT, "1001", "b+x@example.com").kind == "missed"
    assert cast.claim(BRAM_CHAT, "1001", EMAIL, machine_now=TUESDAY + HOUR).kind == "too_many"
    assert cast.claim(BRAM_CHAT, "1001", EMAIL, machine_now=TUESDAY + DAY).kind == "claimed"
