from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from referrals.errors import CustomerExcluded, UnknownCustomer
from referrals.people.customers import set_state
from referrals.people.tokens import make_connect_token, token_state
from referrals.people.tries import Limit, count_try
from storage.customers import ConnectToken
from storage.database import Database
from storage.tallies import Tally
from tests.referrals.recruiting.cast import ANNA_CHAT, DAY, HOUR, MATS_CHAT, TUESDAY, Cast, make_programme

HOURLY = Limit("connect:all", 2, HOUR)


@pytest.fixture
def cast(database: Database) -> Cast:
    return Cast(database, make_programme())


def stored(session: Session) -> list[Any]:
    return [row.model_dump() for row in session.exec(select(ConnectToken))]


def tallies(session: Session) -> list[tuple[str, int]]:
    return [(row.key, row.tries) for row in session.exec(select(Tally))]


def state(cast: Cast, token: str, chat_id: int, after: timedelta = timedelta()) -> str:
    return cast.database.look(token_state, token, chat_id=chat_id, machine_now=TUESDAY + after)


def test_a_token_is_128_bits_stored_hashed_and_ends_after_thirty_days(cast: Cast) -> None:
    """Rule 19."""
    anna = cast.customer("77")
    token, expires_at = cast.database.run(make_connect_token, anna, programme=cast.programme, machine_now=TUESDAY)
    assert len(token) >= 22
    assert len(f"c_{token}") <= 64
    assert expires_at == TUESDAY + 30 * DAY
    assert token not in str(cast.database.look(stored))
    assert state(cast, token, ANNA_CHAT) == "fresh"
    assert state(cast, token, ANNA_CHAT, 30 * DAY) == "expired"


def test_a_spent_token_is_harmless_here_and_useless_elsewhere(cast: Cast) -> None:
    """Rule 19: single use."""
    token = cast.token(cast.customer("77"))
    cast.connect(ANNA_CHAT, token)
    assert state(cast, token, ANNA_CHAT) == "used_here"
    assert state(cast, token, MATS_CHAT) == "used_elsewhere"
    assert state(cast, token, MATS_CHAT, 99 * DAY) == "used_elsewhere"


@pytest.mark.parametrize("token", ["", "x", "\u00e9\u00e9", "\ud800"])
def test_what_was_never_made_is_unknown(cast: Cast, token: str) -> None:
    """Rule 19: whatever stands in a START payload."""
    assert state(cast, token, ANNA_CHAT) == "unknown"


def test_a_link_is_made_only_for_somebody_who_is_there(cast: Cast) -> None:
    with pytest.raises(UnknownCustomer):
        cast.token(4711)
    anna = cast.customer("77")
    cast.database.run(set_state, anna, state="erased", why="asked", actor="owner:1", now=TUESDAY)
    with pytest.raises(CustomerExcluded):
        cast.token(anna)


def test_tries_are_counted_in_the_database_and_forgotten_in_time(database: Database) -> None:
    """Rule 20: limits that a restart does not forgive, by the machine's clock."""
    allowed = [database.run(count_try, [HOURLY], machine_now=TUESDAY) for _ in range(3)]
    assert allowed == [True, True, False]
    assert database.look(tallies) == [("connect:all", 3)]
    assert database.run(count_try, [HOURLY], machine_now=TUESDAY + HOUR)
    assert database.look(tallies) == [("connect:all", 1)]
