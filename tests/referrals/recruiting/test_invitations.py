from __future__ import annotations

import pytest

from referrals.people.customers import set_state
from storage.database import Database
from tests.referrals.recruiting.cast import (
    BRAM_CHAT,
    CHRIS_CHAT,
    DAY,
    HOUR,
    TUESDAY,
    Cast,
    codes_of,
    make_programme,
)


def test_a_start_invites_and_earns_nothing(cast: Cast) -> None:
    """Rule 14: a bare START never earns; it is dated by its message."""
    anna, code = cast.ambassador()
    outcome = cast.start(BRAM_CHAT, code.code.lower(), at=TUESDAY - HOUR)
    assert (outcome.kind, outcome.ambassador_id, outcome.code) == ("invited", anna, code.code)
    pair = cast.pairs(cast.chat(BRAM_CHAT))[anna]
    assert (pair["stage"], pair["standing"], pair["invited_at"]) == ("invited", False, TUESDAY - HOUR)
    assert cast.held(anna) == 0


def test_the_date_of_a_start_is_never_after_its_receipt(cast: Cast) -> None:
    """Rule 11: clamped to receipt."""
    anna, code = cast.ambassador()
    cast.start(BRAM_CHAT, code.code, at=TUESDAY + DAY)
    assert cast.pairs(cast.chat(BRAM_CHAT))[anna]["evidence_at"] == TUESDAY


def test_the_first_start_dates_the_evidence(cast: Cast) -> None:
    """Rule 11: evidence at its own date, however often START is pressed."""
    anna, code = cast.ambassador()
    for hours in (3, 1, 2):
        cast.start(BRAM_CHAT, code.code, at=TUESDAY - hours * HOUR)
    pair = cast.pairs(cast.chat(BRAM_CHAT))[anna]
    assert (pair["evidence_at"], pair["invited_at"]) == (TUESDAY - 3 * HOUR, TUESDAY - HOUR)


@pytest.mark.parametrize("typed, kind", [("NIEMAND", "unknown_code"), ("ABCDEFGH", "code_typing_error")])
def test_a_code_that_is_nobodys_invites_nobody(cast: Cast, typed: str, kind: str) -> None:
    """Rule 17."""
    assert cast.start(BRAM_CHAT, typed).kind == kind
    assert cast.pairs(cast.chat(BRAM_CHAT)) == {}


def test_the_own_link_is_refused(cast: Cast) -> None:
    """Rule 16, drill 3: Anna presses her own link."""
    anna = cast.chat(101)
    assert cast.start(101, cast.enrol(anna).code).kind == "own_account"


def test_a_circle_is_refused(cast: Cast) -> None:
    """Rule 16: Anna's friend Bram cannot invite Anna."""
    anna, code = cast.ambassador()
    bram = cast.customer("78", ref=code.code)
    cast.connect(101, cast.token(anna))
    assert cast.start(101, cast.enrol(bram).code).kind == "circular"
    assert cast.pairs(anna)[bram]["stage"] == "refused"


def test_an_excluded_ambassador_invites_nobody(cast: Cast) -> None:
    """Rule 18."""
    mats, code = cast.ambassador()
    cast.database.run(set_state, mats, state="excluded", why="fraud", actor="owner:1", now=TUESDAY)
    assert cast.start(BRAM_CHAT, code.code).kind == "excluded_customer"


def test_somebody_elses_friend_stays_theirs(cast: Cast) -> None:
    """Rules 12 and 16: a START never overwrites an attribution; it is a stored losing candidate."""
    anna, code = cast.ambassador()
    mats, other = cast.ambassador("70", "mats@example.com")
    bram = cast.customer("78", ref=code.code)
    cast.connect(BRAM_CHAT, cast.token(bram))
    assert cast.start(BRAM_CHAT, other.code).kind == "already_referred"
    pairs = cast.pairs(bram)
    assert (pairs[anna]["standing"], codes_of(pairs[mats]["reasons"])) == (True, ["already_referred"])
    assert cast.start(BRAM_CHAT, code.code).kind == "invited"
    assert cast.pairs(bram)[anna]["stage"] == "signed_up"


def test_a_customer_of_old_is_no_friend(cast: Cast) -> None:
    """Rule 13."""
    _, code = cast.ambassador()
    chris = cast.customer("79")
    cast.order("1", buyer="79", at=TUESDAY - DAY)
    cast.connect(CHRIS_CHAT, cast.token(chris))
    assert cast.start(CHRIS_CHAT, code.code).kind == "already_customer"


def test_a_chat_that_is_connected_already_signs_up_with_its_start(cast: Cast) -> None:
    """Rules 11 and 14: connected first and invited afterwards is the same as the other way round."""
    anna, code = cast.ambassador()
    bram = cast.customer("78")
    cast.connect(BRAM_CHAT, cast.token(bram))
    assert cast.start(BRAM_CHAT, code.code, at=TUESDAY - HOUR).kind == "invited"
    pair = next(iter(cast.pairs(cast.chat(BRAM_CHAT)).values()))
    assert (pair["ambassador_id"], pair["stage"], pair["standing"]) == (anna, "signed_up", True)
    assert (pair["evidence_at"], pair["signed_up_at"]) == (TUESDAY - HOUR, TUESDAY)


@pytest.mark.parametrize("touch, winner", [("last", 1), ("first", 0)])
def test_of_two_invitations_touch_chooses_one(database: Database, touch: str, winner: int) -> None:
    """Rules 12 and 16: within one kind touch chooses; the other is kept as a loser."""
    cast = Cast(database, make_programme(attribution={"touch": touch}))
    anna, code = cast.ambassador()
    mats, other = cast.ambassador("70", "mats@example.com")
    cast.start(BRAM_CHAT, code.code, at=TUESDAY - 2 * HOUR)
    cast.start(BRAM_CHAT, other.code, at=TUESDAY - HOUR)
    bram = cast.connect(BRAM_CHAT, cast.token(cast.customer("78"))).customer_id or 0
    pairs, ambassadors = cast.pairs(bram), [anna, mats]
    assert pairs[ambassadors[winner]]["standing"] is True
    assert codes_of(pairs[ambassadors[1 - winner]]["reasons"]) == ["already_referred"]
