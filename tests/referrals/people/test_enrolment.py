from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlmodel import Session, select

from referrals.chance import Maker
from referrals.codes import find_codes, is_typing_error
from referrals.errors import BotUnknown, CodeTaken, CodeUnfit, CustomerExcluded
from referrals.people.customers import (
    bot_name,
    get_bot_name,
    give_vanity_code,
    learn_bot_name,
    profile,
    set_state,
)
from referrals.programme import Programme
from storage.codes import Code
from storage.database import Database
from tests.referrals.recruiting.cast import TUESDAY, Cast, make_programme


class Repeating(Maker):
    """A maker that draws the same code twice before it thinks of another."""

    def __init__(self) -> None:
        self.draws = ["ANNA7K3", "ANNA7K3", "BRAM222"]

    def symbols(self, alphabet: str, length: int) -> str:
        return self.draws.pop(0)


@pytest.fixture
def cast(database: Database) -> Cast:
    return Cast(database, make_programme())


def codes(session: Session, customer_id: int) -> list[tuple[str, bool]]:
    rows = session.exec(select(Code).where(Code.customer_id == customer_id).order_by("id"))
    return [(row.display, row.main) for row in rows]


def vanity(cast: Cast, customer_id: int, text: str) -> Any:
    return cast.database.run(
        give_vanity_code, customer_id, text=text, actor="owner:1", programme=cast.programme, now=TUESDAY
    )


def test_the_first_link_makes_the_code_and_later_ones_show_it(cast: Cast) -> None:
    """Rule 18: anybody not excluded may pull."""
    anna = cast.chat(101)
    first, second = cast.enrol(anna), cast.enrol(anna)
    assert first == second
    assert not is_typing_error(first.code)
    assert first.links.web == f"https://thee.example/r/{first.code}"
    assert first.links.page == f"https://thee.example/i/{first.code}"
    assert first.links.chat == f"https://t.me/theehuis_bot?start=r_{first.code}"


def test_many_requests_at_once_make_one_code(cast: Cast) -> None:
    """Rule 18: the API and the chat at the same moment."""
    anna = cast.chat(101)
    with ThreadPoolExecutor(4) as pool:
        views = list(pool.map(lambda _: cast.enrol(anna), range(8)))
    assert len({view.code for view in views}) == 1
    assert len(cast.database.look(codes, anna)) == 1


def test_a_code_that_is_taken_is_drawn_again(cast: Cast) -> None:
    """Rule 17: stored and unique; a code is never re-issued."""
    cast.programme = Programme(cast.programme.config, b"k" * 32, "salt", maker=Repeating())
    anna, bram = cast.enrol(cast.chat(101)), cast.enrol(cast.chat(102))
    assert anna.code.startswith("ANNA7K3")
    assert bram.code.startswith("BRAM222")


@pytest.mark.parametrize("state", ["excluded", "staff", "erased"])
def test_who_is_out_gets_no_code(cast: Cast, state: str) -> None:
    """Rule 18."""
    mats = cast.chat(109)
    cast.database.run(set_state, mats, state=state, why="fraud", actor="owner:1", now=TUESDAY)
    with pytest.raises(CustomerExcluded):
        cast.enrol(mats)
    assert cast.database.look(codes, mats) == []


def test_a_vanity_code_is_shown_and_the_old_one_stays_an_alias(cast: Cast) -> None:
    """Rule 17: a code is an alias for ever."""
    anna = cast.chat(101)
    old = cast.enrol(anna).code
    assert vanity(cast, anna, "Anna-Fiets").code == "ANNAFIETS"
    assert cast.database.look(codes, anna) == [(old, False), ("ANNAFIETS", True)]
    found = cast.database.look(find_codes, ["anna f1ets", old])
    assert {code.customer_id for code in found.values() if hasattr(code, "customer_id")} == {anna}
    assert cast.enrol(anna).code == "ANNAFIETS"


def test_a_vanity_code_is_never_somebody_elses(cast: Cast) -> None:
    """Rule 17: confusables folded, also a code that is only an alias by now."""
    anna, mats = cast.chat(101), cast.chat(109)
    vanity(cast, anna, "FIETSLOL")
    vanity(cast, anna, "ANNA")
    with pytest.raises(CodeTaken):
        vanity(cast, mats, "F1ETS-L0L")


@pytest.mark.parametrize("text", ["AN", "A" * 25, "ANNA!", "admin", "\u00c4NNA", ""])
def test_a_word_that_is_no_code_is_refused(cast: Cast, text: str) -> None:
    """Rule 17: 3 to 24 letters and digits, no reserved word."""
    with pytest.raises(CodeUnfit):
        vanity(cast, cast.chat(101), text)


def test_the_bots_name_is_configured_or_learnt_or_unknown(database: Database) -> None:
    """Rule 22."""
    silent = make_programme(telegram={})
    assert database.look(bot_name, make_programme().config) == "theehuis_bot"
    with pytest.raises(BotUnknown):
        database.look(get_bot_name, silent.config)
    cast = Cast(database, silent)
    assert cast.enrol(cast.chat(101)).links.chat is None
    database.run(learn_bot_name, "@another_bot")
    database.run(learn_bot_name, "thee_bot")
    assert database.look(get_bot_name, silent.config) == "thee_bot"


def test_a_profile_shows_what_the_api_shows(cast: Cast) -> None:
    anna = cast.customer("77", first_name="Anna", locale="nl", marketing_consent=True)
    before = cast.database.look(profile, anna, programme=cast.programme)
    assert (before["code"], before["links"], before["state"]) == (None, None, "active")
    view = cast.enrol(anna)
    after = cast.database.look(profile, anna, programme=cast.programme)
    assert after["customer"] == cast.programme.number("customer", anna)
    assert after["code"] == view.code
    assert after["links"] == {"web": view.links.web, "chat": view.links.chat, "page": view.links.page}
