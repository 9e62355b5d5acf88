from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from referrals.chance import Maker
from referrals.codes import ALPHABET, LENGTH, CodeHit, CodeMiss, find_codes, is_typing_error, make_code, normalise
from storage.bulk import insert_rows, next_id
from storage.codes import Code
from storage.customers import Customer
from storage.database import Database

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SYMBOLS = st.text(ALPHABET, min_size=LENGTH - 1, max_size=LENGTH - 1)


class Fixed(Maker):
    """A maker that draws what the test says."""

    def __init__(self, *draws: str) -> None:
        self.draws = list(draws)

    def symbols(self, alphabet: str, length: int) -> str:
        return self.draws.pop(0)


def store(session: Session, *displays: str) -> None:
    customer_id = next_id(session, "customer")
    insert_rows(session, Customer, [{"id": customer_id, "created_at": NOW}])
    rows = [
        {"normalised": normalise(display), "display": display, "customer_id": customer_id, "created_at": NOW}
        for display in displays
    ]
    insert_rows(session, Code, rows)


def test_the_alphabet_has_31_symbols_that_nobody_confuses() -> None:
    """Rule 17: a prime, so that the check finds every single error and every swap."""
    assert len(set(ALPHABET)) == 31
    assert not set(ALPHABET) & set("ILO01")


@given(SYMBOLS)
def test_a_made_code_is_no_typing_error_and_survives_reading(symbols: str) -> None:
    """Rule 17: seven random symbols and one that checks them."""
    code = make_code(Fixed(symbols))
    assert code.startswith(symbols)
    assert len(code) == LENGTH
    assert normalise(code) == code
    assert not is_typing_error(code)


@given(SYMBOLS, st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET))
def test_one_wrong_symbol_is_always_found(symbols: str, place: int, wrong: str) -> None:
    """Rule 17, drill 10."""
    code = make_code(Fixed(symbols))
    typed = code[:place] + wrong + code[place + 1 :]
    assert is_typing_error(typed) is (typed != code)


@given(SYMBOLS, st.integers(0, LENGTH - 2))
def test_two_neighbours_swapped_are_always_found(symbols: str, place: int) -> None:
    """Rule 17."""
    code = make_code(Fixed(symbols))
    typed = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert is_typing_error(typed) is (typed != code)


@pytest.mark.parametrize(
    "typed, read",
    [
        ("anna-7k3q", "ANNA7K3Q"),
        (" Anna 7K3Q. ", "ANNA7K3Q"),
        ("ANNA_7K3Q", "ANNA7K3Q"),
        ("\uff21\uff2e\uff2e\uff21\uff17\uff2b\uff13\uff31", "ANNA7K3Q"),
        ("fietsenlol", "F1ETSEN101"),
        ("F1etsen1o1", "F1ETSEN101"),
        ("", ""),
        ("\u2014 \u2026", ""),
    ],
)
def test_every_spelling_of_a_code_is_one_code(typed: str, read: str) -> None:
    """Rule 17: upper case, letters and digits only, O as 0, I and L as 1."""
    assert normalise(typed) == read


@given(st.text())
def test_reading_never_fails_and_reading_again_changes_nothing(typed: str) -> None:
    """Rule 17: whatever a shop or a chat sends."""
    assert normalise(normalise(typed)) == normalise(typed)


def test_codes_are_found_by_any_spelling_in_one_look(database: Database) -> None:
    """Rule 17: exact matches first, then typing error or unknown."""
    made = make_code(Fixed("ANNA7K3"))
    database.run(store, made, "FIETSLOL")
    wrong = made[:-1] + ("2" if made[-1] != "2" else "3")
    found = database.look(find_codes, [made.lower(), "f1ets-l0l", wrong, "NIEMAND", ""])
    hits = {typed: code.display for typed, code in found.items() if isinstance(code, CodeHit)}
    misses = {typed: code.reason for typed, code in found.items() if isinstance(code, CodeMiss)}
    assert hits == {made.lower(): made, "f1ets-l0l": "FIETSLOL"}
    assert misses == {wrong: "code_typing_error", "NIEMAND": "unknown_code", "": "unknown_code"}


def test_a_vanity_code_of_eight_symbols_needs_no_check(database: Database) -> None:
    """Rule 17: vanity codes carry no check, so the stored match comes first."""
    assert is_typing_error("BRAMBRAM")
    database.run(store, "BRAMBRAM")
    assert isinstance(database.look(find_codes, ["brambram"])["brambram"], CodeHit)
