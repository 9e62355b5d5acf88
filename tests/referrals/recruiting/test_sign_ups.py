from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import Session

from referrals.people.customers import code_of, set_state
from referrals.recruiting.shops import CustomerState
from referrals.recruiting.sign_ups import apply_customers
from storage.customers import Customer
from storage.database import Database
from tests.referrals.recruiting.cast import DAY, HOUR, MINUTE, SHOP, TUESDAY, Cast, codes_of, make_programme


def customer(session: Session, customer_id: int) -> dict[str, object]:
    return session.get_one(Customer, customer_id).model_dump()


@pytest.mark.parametrize("how", ["ref", "codes", "click"])
def test_a_shop_account_that_came_through_a_link_is_a_sign_up(cast: Cast, how: str) -> None:
    """Rule 14: signed up is an account that arrived with ref, codes or click, dated at its creation."""
    anna, code = cast.ambassador()
    token = cast.click(code.code, TUESDAY - HOUR)
    carried: dict[str, dict[str, Any]] = {
        "ref": {"ref": code.code.lower()},
        "codes": {"codes": (code.code,)},
        "click": {"click": token},
    }
    bram = cast.customer("78", created_at=TUESDAY - MINUTE, **carried[how])
    pair = cast.pairs(bram)[anna]
    assert (pair["stage"], pair["standing"], pair["evidence"]) == ("signed_up", True, "sign_up")
    assert pair["signed_up_at"] == pair["evidence_at"] == TUESDAY - MINUTE


def test_the_same_sign_up_twice_is_one_referral_and_changes_nothing(cast: Cast) -> None:
    """Rule 14, drill 2."""
    anna, code = cast.ambassador()
    first = cast.account("78", email="bram@example.com", ref=code.code)
    before = cast.pairs(first.customer_id or 0)
    cast.now += HOUR
    second = cast.account("78", email="bram@example.com", ref=code.code)
    assert (first.created, first.changed, second.created, second.changed) == (True, True, False, False)
    assert cast.pairs(first.customer_id or 0) == before
    assert list(before) == [anna]


def test_an_account_in_the_future_signed_up_now(cast: Cast) -> None:
    """Rule 14: the date of a sign-up is never after its receipt."""
    anna, code = cast.ambassador()
    bram = cast.customer("78", ref=code.code, created_at=TUESDAY + DAY)
    assert cast.pairs(bram)[anna]["signed_up_at"] == TUESDAY


def test_somebody_who_bought_before_did_not_sign_up_through_the_link(cast: Cast) -> None:
    """Rule 13: a paid order before the evidence makes an existing customer."""
    anna, code = cast.ambassador()
    cast.order("1", buyer="78", at=TUESDAY - 9 * DAY)
    outcome = cast.account("78", ref=code.code)
    assert codes_of(outcome.reasons) == ["friend_is_existing_customer"]
    assert cast.pairs(outcome.customer_id or 0)[anna]["standing"] is False


def test_an_account_older_than_the_link_does_not_hide_that_they_were_a_customer(cast: Cast) -> None:
    """Rules 11 and 13: an account of long ago did not come through a link that was made today."""
    _, code = cast.ambassador()
    cast.order("1", buyer="78", at=TUESDAY - 9 * DAY)
    outcome = cast.account("78", ref=code.code, created_at=TUESDAY - 700 * DAY)
    assert codes_of(outcome.reasons) == ["friend_is_existing_customer"]


def test_a_second_ambassador_gets_a_losing_pair(cast: Cast) -> None:
    """Rules 12 and 16: one friend, one ambassador; later evidence is a stored losing candidate."""
    mats, late = cast.ambassador("70", "mats@example.com")
    anna, code = cast.ambassador()
    bram = cast.customer("78", ref=code.code, created_at=TUESDAY - DAY)
    outcome = cast.account("78", ref=late.code, created_at=TUESDAY - DAY)
    pairs = cast.pairs(bram)
    assert codes_of(outcome.reasons) == codes_of(pairs[mats]["reasons"]) == ["already_referred"]
    assert (pairs[anna]["standing"], pairs[mats]["standing"], pairs[mats]["stage"]) == (True, False, "refused")


def test_two_sign_ups_of_one_friend_in_one_list_are_folded_in_order(cast: Cast) -> None:
    """Rule 16: also within one batch."""
    mats, late = cast.ambassador("70", "mats@example.com")
    anna, code = cast.ambassador()
    bram, again = cast.accounts(CustomerState(SHOP, "78", ref=code.code), CustomerState(SHOP, "78", ref=late.code))
    pairs = cast.pairs(bram.customer_id or 0)
    assert (pairs[anna]["standing"], pairs[mats]["standing"]) == (True, False)
    assert (bram.created, again.created, codes_of(again.reasons)) == (True, False, ["already_referred"])


def test_a_code_beats_a_click(cast: Cast) -> None:
    """Rule 12: the highest kind wins, the other is kept as a loser."""
    anna, code = cast.ambassador()
    mats, other = cast.ambassador("70", "mats@example.com")
    bram = cast.customer("78", codes=(code.code,), click=cast.click(other.code))
    assert cast.pairs(bram)[anna]["standing"] is True
    assert codes_of(cast.pairs(bram)[mats]["reasons"]) == ["already_referred"]


@pytest.mark.parametrize("email", ["anna+2@example.com", "ANNA@Example.com"])
def test_a_second_account_with_the_own_address_is_refused(cast: Cast, email: str) -> None:
    """Rule 16: case and +tag make no other person."""
    anna, code = cast.ambassador()
    outcome = cast.account("78", email=email, ref=code.code)
    assert codes_of(outcome.reasons) == ["own_account"]
    assert cast.pairs(outcome.customer_id or 0)[anna]["standing"] is False


def test_an_own_account_is_found_out_whichever_account_came_first(cast: Cast) -> None:
    """Rules 11 and 16: the time of arrival never decides."""
    second = cast.customer("78", email="anna+2@example.com")
    anna, code = cast.ambassador()
    outcome = cast.account("78", email="anna+2@example.com", ref=code.code)
    assert codes_of(outcome.reasons) == ["own_account"]
    assert cast.pairs(second)[anna]["standing"] is False


def test_an_address_learnt_later_ends_a_sign_up_of_ones_own(cast: Cast) -> None:
    """Rule 16: Anna's second account signed up before the shop said that the address is hers."""
    anna = cast.customer("77")
    code = cast.enrol(anna)
    second = cast.customer("78", email="anna@example.com", ref=code.code)
    assert cast.pairs(second)[anna]["standing"] is True
    cast.account("77", email="anna@example.com")
    assert codes_of(cast.pairs(second)[anna]["reasons"]) == ["own_account"]


def test_the_own_code_on_the_own_account_is_refused(cast: Cast) -> None:
    """Rule 16."""
    _, code = cast.ambassador()
    assert codes_of(cast.account("77", ref=code.code).reasons) == ["own_account"]


def test_a_circle_is_refused(cast: Cast) -> None:
    """Rule 16: Anna brought Bram, so Bram cannot bring Anna."""
    anna, code = cast.ambassador()
    bram = cast.customer("78", ref=code.code)
    outcome = cast.account("77", ref=cast.enrol(bram).code)
    assert codes_of(outcome.reasons) == ["circular"]
    assert cast.pairs(anna)[bram]["standing"] is False


def test_an_excluded_ambassador_brings_nobody(cast: Cast) -> None:
    """Rule 18: excluded people take no part; nor do they get a link."""
    mats, code = cast.ambassador("70", "mats@example.com")
    cast.database.run(set_state, mats, state="excluded", why="fraud", actor="owner:1", now=TUESDAY)
    assert codes_of(cast.account("78", ref=code.code).reasons) == ["excluded_customer"]
    assert codes_of(cast.account("70", ambassador=True).reasons) == ["excluded_customer"]


@pytest.mark.parametrize("typed, why", [("ANNA-FIETS", "unknown_code"), ("ABCDEFGH", "code_typing_error")])
def test_a_code_that_is_nobodys_is_told_and_makes_no_pair(cast: Cast, typed: str, why: str) -> None:
    """Rule 17."""
    outcome = cast.account("78", ref=typed)
    assert outcome.reasons == [{"code": why, "typed": typed}]
    assert cast.pairs(outcome.customer_id or 0) == {}


def test_a_click_outside_the_window_signs_nobody_up(cast: Cast) -> None:
    """Rule 21: a token is valid for the window."""
    _, code = cast.ambassador()
    outcome = cast.account("78", click=cast.click(code.code, TUESDAY - 31 * DAY))
    assert codes_of(outcome.reasons) == ["outside_window"]
    assert cast.pairs(outcome.customer_id or 0) == {}


def test_the_api_may_make_an_ambassador_and_connecting_makes_none(cast: Cast) -> None:
    """Rule 18: ``ambassador`` makes a code; without it there is none yet."""
    anna, bram = cast.customer("77", ambassador=True), cast.customer("78")
    assert cast.database.look(lambda session: code_of(session, anna) is not None)
    assert cast.database.look(lambda session: code_of(session, bram) is None)
    assert cast.account("77", ambassador=True).changed is False


def test_names_and_consents_are_the_shops_and_the_language_the_customers(cast: Cast) -> None:
    """Rule 41: names only of those whom the shop sent by customer.state or API."""
    anna = cast.customer("77", first_name=" Anna\u202e ", locale="nl_NL", marketing_consent=True)
    cast.account("77", locale="en-GB")
    row = cast.database.look(customer, anna)
    assert (row["first_name"], row["locale"], row["marketing_consent"]) == ("Anna", "nl", True)


def test_a_deleted_account_is_forgotten_but_never_new_again(cast: Cast) -> None:
    """Rules 13 and 41: name and consent go; the identity stays, so that it cannot be referred anew."""
    _, code = cast.ambassador()
    bram = cast.customer("78", first_name="Bram", marketing_consent=True)
    cast.order("1", buyer="78", at=TUESDAY - DAY)
    assert cast.account("78", deleted=True).changed
    row = cast.database.look(customer, bram)
    assert (row["first_name"], row["marketing_consent"]) == (None, False)
    assert codes_of(cast.account("78", ref=code.code).reasons) == ["friend_is_existing_customer"]


def test_a_deleted_account_that_was_never_known_makes_nobody(cast: Cast) -> None:
    outcome = cast.account("99", deleted=True)
    assert (outcome.customer_id, outcome.changed) == (None, False)


def test_a_sign_up_bonus_is_paid_once_for_a_friend(database: Database) -> None:
    """Rules 6 and 14: where a sign-up is rewarded, the same account again earns nothing more."""
    ambassador = {"when": "sign_up", "amount": "5.00"}
    cast = Cast(database, make_programme(bonus={"ambassador": ambassador}))
    anna, code = cast.ambassador()
    for _ in range(2):
        cast.account("78", ref=code.code)
    assert cast.held(anna) == 500
    assert cast.audit() == []


def test_sign_ups_are_decided_under_the_books_lock() -> None:
    assert getattr(apply_customers, "books", False)
