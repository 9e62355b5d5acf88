"""What waits to be said about a reference goes only while it is so."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from referrals.asking import approval, references
from storage.contacts import Contact
from storage.database import Database
from storage.mailbox import Outbox
from storage.references import Reference
from tests.builders import Shop
from tests.referrals.asking.telling import (
    OLGA,
    agreed,
    ask,
    can_be_written_to,
    glad,
    published,
    row,
    step,
)

SHORTER = "Een tafel voor zes."


@pytest.fixture
def shop(database: Database) -> Shop:
    return Shop(database, references__valid_months=2)


def anna(shop: Shop) -> int:
    """A glad customer whose chat can be written to."""
    customer, _ = shop.ambassador("Anna")
    shop.database.run(can_be_written_to, customer, now=shop.now)
    glad(shop, "Anna", days_ago=300)
    return customer


def waiting(shop: Shop) -> list[tuple[str, str | None]]:
    """What is due to customers about references or was dropped, and why."""
    rows = sorted((each for each in shop.rows(Outbox) if each["customer_id"]), key=lambda each: each["id"])
    return [(each["kind"], each["dropped_because"]) for each in rows]


def contacts(shop: Shop) -> list[tuple[str, str | None]]:
    return [(each["status"], each["reason"]) for each in shop.rows(Contact)]


@pytest.mark.parametrize("answer", ["accept", "snooze", "decline"])
def test_an_invitation_that_was_answered_before_it_went_out_does_not_go(shop: Shop, answer: str) -> None:
    """Rule 29; playbook 3.5: the buttons of the snoozed one, and /referentie, answer it before the morning does."""
    anna(shop)
    ask(shop)
    number = shop.rows(Reference)[0]["id"]
    how = {} if answer == "snooze" else {"programme": shop.programme}
    step(shop, number, getattr(references, answer), **how)
    assert waiting(shop) == [("reference_invited", "stale")]
    assert contacts(shop) == [("not_sent", "stale")]


@pytest.mark.parametrize("answer", ["reopen", "let_go", "withdraw"])
def test_a_question_whether_it_may_come_back_goes_only_while_that_is_open(shop: Shop, answer: str) -> None:
    """Rule 29: /referentie offers the same choice the moment the time is over."""
    number = published(shop, anna(shop))
    shop.now = row(shop, number)["expires_at"]
    ask(shop)
    how: dict[str, Any] = {"reopen": {}, "withdraw": {"use": None, "programme": shop.programme}}.get(
        answer, {"programme": shop.programme}
    )
    step(shop, number, getattr(references, answer), **how)
    assert ("reference_renewal", "stale") in waiting(shop)
    assert ("not_sent", "stale") in contacts(shop)


@pytest.mark.parametrize(
    "do, how",
    [
        (references.withdraw, {"use": "print", "programme": True}),
        (references.withdraw, {"use": None, "programme": True}),
        (references.reopen, {}),
        (approval.refuse, {"owner": OLGA, "programme": True}),
        (approval.shorten, {"owner": OLGA, "words": SHORTER}),
    ],
)
def test_nobody_hears_in_the_morning_that_it_is_public_when_that_is_over(
    shop: Shop, do: Any, how: dict[str, Any]
) -> None:
    number = published(shop, anna(shop), uses=("website", "print"))
    assert waiting(shop) == [("reference_published", None)]
    step(shop, number, do, **how | ({"programme": shop.programme} if "programme" in how else {}))
    assert waiting(shop)[0] == ("reference_published", "stale")
    assert [why for _, why in waiting(shop)[1:]] == [None] * (do in (approval.refuse, approval.shorten))


@pytest.mark.parametrize(
    "do, how",
    [
        (references.decline, {"programme": True}),
        (references.rewrite, {"words": "Liever zo."}),
        (references.tick, {"use": "website"}),
    ],
)
def test_a_shorter_text_is_not_shown_again_once_its_customer_did_something_with_it(
    shop: Shop, do: Any, how: dict[str, Any]
) -> None:
    """Nor words that were deleted: a screen that shows something else than what is meant takes no yes (rule 25)."""
    number = agreed(shop, anna(shop))
    step(shop, number, approval.shorten, words=SHORTER, owner=OLGA)
    assert waiting(shop) == [("reference_text", None)]
    step(shop, number, do, **how | ({"programme": shop.programme} if "programme" in how else {}))
    assert waiting(shop) == [("reference_text", "stale")]


def test_what_is_still_so_waits_on_whatever_else_happens(shop: Shop) -> None:
    first, second = published(shop, anna(shop)), agreed(shop, shop.ambassador("Bram")[0])
    step(shop, first, approval.note_thanks, owner=OLGA)
    step(shop, second, references.reopen)
    assert waiting(shop) == [("reference_published", None)]
    ids = [each["id"] for each in shop.rows(Outbox) if each["customer_id"]]
    assert [shop.database.look(_so, one, shop.now) for one in ids] == [True]
    over = row(shop, first)["expires_at"]
    assert [shop.database.look(_so, ids[0], at) for at in (over - timedelta(seconds=1), over)] == [True, False]


def _so(session: Session, row_id: int, now: datetime) -> bool:
    return references.still_so(session, session.get_one(Outbox, row_id), now=now)
