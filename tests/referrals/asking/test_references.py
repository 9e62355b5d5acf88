from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from bot.texts import Texts
from referrals.asking import approval, consents, references
from referrals.asking.approval import NotACorrection, waiting_count
from referrals.asking.references import ReferenceMoved, UnknownReference, own_reference
from referrals.asking.shown import (
    LONGEST_ANSWER,
    LONGEST_TEXT,
    Shown,
    clean_words,
    is_correction,
    name_as_shown,
    names_to_choose,
    units,
)
from referrals.asking.wall import Facts, is_visible
from referrals.people.customers import get_customer
from referrals.recruiting.joining import join
from storage.auditlog import AuditEvent
from storage.database import Database
from storage.mailbox import Outbox
from storage.references import Consent, Reference
from tests.builders import NOON, Shop
from tests.referrals.asking.telling import (
    CHAT,
    OLGA,
    TEXT,
    agreed,
    buy,
    drafted,
    invited,
    on_the_wall,
    published,
    row,
    step,
    yes,
)

SHOWN = Shown("Mooi.", "Anna", "Utrecht", 2024)
OPEN = Facts(
    shown=SHOWN,
    consent_hash=SHOWN.hash(),
    consent_uses=("website", "print"),
    owner_hash=SHOWN.hash(),
    withdrawn_at=None,
    expires_at=NOON + timedelta(seconds=1),
    customer_state="active",
)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"shown": replace(SHOWN, text="Mooi!")}, id="other words"),
        pytest.param({"shown": replace(SHOWN, name=None)}, id="other name"),
        pytest.param({"shown": replace(SHOWN, town="Zwolle")}, id="other town"),
        pytest.param({"shown": replace(SHOWN, since=2023)}, id="other year"),
        pytest.param({"consent_hash": None}, id="no yes of the customer"),
        pytest.param({"owner_hash": None}, id="no yes of an owner"),
        pytest.param({"consent_uses": ("print",)}, id="not for the website"),
        pytest.param({"withdrawn_at": NOON}, id="withdrawn"),
        pytest.param({"expires_at": NOON}, id="over to the second"),
        pytest.param({"expires_at": None}, id="never published"),
        pytest.param({"customer_state": "excluded"}, id="excluded"),
        pytest.param({"customer_state": "erased"}, id="erased"),
        pytest.param({"customer_state": "staff"}, id="of our own staff"),
    ],
)
def test_every_condition_alone_keeps_it_off_the_wall(changes: dict[str, Any]) -> None:
    assert is_visible(OPEN, NOON)

    assert not is_visible(replace(OPEN, **changes), NOON)


@pytest.mark.parametrize(
    "typed,kept",
    [
        ("  Mooi \t gemaakt.  ", "Mooi gemaakt."),
        ("een\r\n\r\n\r\n\r\ntwee\u2028drie", "een\n\ntwee\ndrie"),
        ("a\u202eb\u2066c\u200fd\u200be\x00f\x07g", "abcdefg"),
        ("familie 👨‍👩‍👧 en ❤️", "familie 👨‍👩‍👧 en ❤️"),
        ("z" + "\u0301" * 30, "ź\u0301\u0301\u0301"),
        ("cafe\u0301\u00a0<b>", "café <b>"),
        ("\u200b\n \n", ""),
    ],
)
def test_typed_words_are_kept_without_what_would_hide_or_turn_them(typed: str, kept: str) -> None:
    assert clean_words(typed) == kept
    assert clean_words(kept) == kept


@pytest.mark.parametrize(
    "first_name,shown",
    [
        ("Anna", ("Anna", "A.")),
        ("Jan-Willem", ("Jan-Willem", "J.W.")),
        (" anna  maria ", ("anna maria", "A.M.")),
        ("🦊", ("🦊", None)),
        (None, (None, None)),
    ],
)
def test_the_name_is_chosen_among_what_we_know(first_name: str | None, shown: tuple[str | None, str | None]) -> None:
    assert (name_as_shown("first_name", first_name), name_as_shown("initials", first_name)) == shown
    assert name_as_shown("anonymous", first_name) is None
    assert list(names_to_choose(first_name)) == [
        kind for kind, name in zip(("first_name", "initials"), shown, strict=True) if name
    ] + ["anonymous"]


@pytest.mark.parametrize(
    "words,fits",
    [
        ("Een tafel voor zes.", True),
        ("Een tafel voor zes! Nu eten we elke dag samen.", True),
        (TEXT, True),
        ("De beste winkel van Nederland, koop hier nu meteen.", False),
        (TEXT + " En nog veel meer dat ik er zelf bij verzin.", False),
        ("", False),
        ("...", False),
    ],
)
def test_an_owner_shortens_and_corrects_and_does_not_say_something_else(words: str, *, fits: bool) -> None:
    assert is_correction(words, of=TEXT, original=TEXT) == fits


def test_a_consent_record_says_who_when_where_to_what_and_to_which_wording(database: Database) -> None:
    """Playbook 3.5, 9: provable; a narrower consent is a record of its own, and none is edited but for its end."""
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    number = agreed(shop, anna, uses=("website", "social", "print"))
    given = shop.now
    shop.now += timedelta(days=1)
    step(shop, number, references.withdraw, use="social", programme=shop.programme)
    first, second = sorted(shop.rows(Consent), key=lambda each: each["n"])
    assert (first["chat_id"], first["customer_id"], first["wording"]) == (CHAT, anna, "1:nl")
    assert (first["uses"], first["given_at"], first["withdrawn_at"]) == (
        ["website", "social", "print"],
        given,
        shop.now,
    )
    assert (second["uses"], second["given_at"], second["withdrawn_at"]) == (["website", "print"], shop.now, None)
    assert first["text_hash"] == second["text_hash"] == row(shop, number)["text_hash"]


def test_the_wording_that_is_on_record_is_the_one_in_the_catalogues() -> None:
    """Whoever changes a word of the question counts ``consents.WORDING`` up, and puts the new sentence here."""
    keys = ("intro", "ask", "withdraw", "until")
    said = " ".join(Texts().say(f"reference.consent.{key}", "nl", count=24) for key in keys)
    assert consents.WORDING == 1
    assert said == (
        "Dit is precies wat we willen plaatsen: Waar zeg je ja tegen? We plaatsen alleen wat je aanvinkt, onder de "
        "naam die je aanvinkt. Intrekken kan altijd met /referentie; dan is het binnen vijf minuten weg. Na 24 maanden "
        "verdwijnt je ervaring vanzelf. Krijg je er ooit een bedankje voor, dan zetten we dat erbij."
    )


@pytest.mark.parametrize("edit", ["rewrite", "shorten", "reopen", "name_after", "town_after"])
def test_an_edit_after_the_yes_shuts_both_gates_also_when_it_is_edited_back(database: Database, edit: str) -> None:
    """Requirement F4."""
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    number = published(shop, anna, town="Utrecht")
    if edit == "rewrite":
        step(shop, number, references.rewrite, words="Anders.")
        step(shop, number, references.rewrite, words=TEXT)
    elif edit == "shorten":
        step(shop, number, approval.shorten, words="Een tafel voor zes.", owner=OLGA)
        step(shop, number, references.rewrite, words=TEXT)
    else:
        step(shop, number, references.reopen)
    if edit == "name_after":
        step(shop, number, references.choose_name, kind="initials")
    elif edit == "town_after":
        step(shop, number, references.set_town, town=None)
        step(shop, number, references.set_town, town="Utrecht")
    step(shop, number, references.choose_name, kind="first_name")
    found = row(shop, number)
    assert (found["text"], found["name"], found["town"], found["original"]) == (TEXT, "Anna", "Utrecht", TEXT)
    assert (found["status"], found["uses"], found["owner_approved_hash"]) == ("draft", [], None)
    assert on_the_wall(shop) == []
    step(shop, number, references.tick, use="website")
    yes(shop, number)
    assert on_the_wall(shop) == []
    step(shop, number, approval.publish, owner=OLGA, programme=shop.programme)
    assert len(on_the_wall(shop)) == 1


def test_no_box_is_ticked_for_a_customer_whose_words_have_changed(database: Database) -> None:
    """Requirement F4: a name is said yes to as well; the town is no box, they typed it."""
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    number = agreed(shop, anna, uses=("website", "print"), town="Utrecht")
    step(shop, number, references.reopen)
    found = row(shop, number)
    assert (found["uses"], found["name_shown"], found["name"], found["town"]) == ([], "", None, "Utrecht")


def test_an_owner_can_do_nothing_with_one_whose_time_is_over(database: Database) -> None:
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    number = published(shop, anna)
    shop.now = row(shop, number)["expires_at"]
    owner: dict[str, Any] = {"owner": OLGA}
    for change, how in (
        (approval.shorten, {"words": "Een tafel voor zes."}),
        (approval.refuse, {"programme": shop.programme}),
        (approval.note_thanks, {}),
    ):
        with pytest.raises(ReferenceMoved):
            step(shop, number, change, **owner | how)


def test_a_name_or_a_town_cannot_change_under_a_yes(database: Database) -> None:
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    number = published(shop, anna)
    for change, how in (
        (references.choose_name, {"kind": "anonymous"}),
        (references.set_town, {"town": "Utrecht"}),
        (references.tick, {"use": "print"}),
    ):
        with pytest.raises(ReferenceMoved):
            step(shop, number, change, **how)
    shop.database.run(_rename, anna, "Mats")
    assert [item.shown.name for item in on_the_wall(shop)] == ["Anna"]


@pytest.mark.parametrize("status", ["nominated", "invited", "accepted", "answering", "draft", "snoozed", "declined",
                                    "owner_declined", "withdrawn", "over", "published"])  # fmt: skip
def test_only_what_the_customer_said_yes_to_can_be_published(database: Database, status: str) -> None:
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    number = drafted(shop, anna)
    shop.database.run(_put, number, status)
    with pytest.raises(ReferenceMoved):
        step(shop, number, approval.publish, owner=OLGA, programme=shop.programme)
    shop.database.run(_put, number, "customer_approved")
    with pytest.raises(ReferenceMoved):
        step(shop, number, approval.publish, owner=OLGA, programme=shop.programme)
    assert on_the_wall(shop) == []
    assert shop.rows(AuditEvent) == []


@pytest.mark.parametrize(
    "at,over",
    [
        (datetime(2028, 2, 29, 11, 0, tzinfo=UTC), datetime(2030, 2, 28, 11, 0, tzinfo=UTC)),  # a leap day
        (datetime(2026, 3, 31, 10, 0, tzinfo=UTC), datetime(2028, 3, 31, 10, 0, tzinfo=UTC)),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2028, 10, 25, 0, 30, tzinfo=UTC)),  # the clock goes back
    ],
)
def test_a_reference_is_over_two_calendar_years_later_to_the_second(
    database: Database, at: datetime, over: datetime
) -> None:
    shop = Shop(database)
    shop.now = at
    anna, _ = shop.ambassador("Anna")
    published(shop, anna)
    shop.now = over - timedelta(seconds=1)
    assert len(on_the_wall(shop)) == 1
    shop.now = over
    assert on_the_wall(shop) == []


def test_after_a_merge_the_survivor_decides_and_being_excluded_counts(database: Database) -> None:
    """Rule 15: the alias is resolved when reading; nothing is withdrawn by a merge."""
    shop = Shop(database)
    older, _ = shop.ambassador("Anna")
    shop.now += timedelta(days=1)
    newer, _ = shop.ambassador("Bram")
    mats, _ = shop.ambassador("Mats")
    number = published(shop, newer)
    database.run(join, newer, older, programme=shop.programme, now=shop.now)
    assert len(on_the_wall(shop)) == 1
    assert database.run(_theirs, number, older) == database.run(_theirs, number, newer) == number
    with pytest.raises(UnknownReference):
        database.run(_theirs, number, mats)
    database.run(_state, older, "excluded")
    assert on_the_wall(shop) == []


def test_owners_without_a_chat_get_no_card_and_see_it_in_the_count(database: Database) -> None:
    shop = Shop(database, telegram__owner_ids=[OLGA])
    anna, _ = shop.ambassador("Anna")
    number = agreed(shop, anna)
    assert [each["kind"] for each in shop.rows(Outbox)] == []
    assert database.look(waiting_count) == 1
    step(shop, number, approval.refuse, owner=OLGA, programme=shop.programme)
    assert database.look(waiting_count) == 0


def test_every_deed_of_an_owner_is_on_record_with_before_and_after(database: Database) -> None:
    """Contract 6."""
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    buy(shop, anna)
    database.run(approval.nominate, anna, actor="owner:7", programme=shop.programme, now=shop.now)
    number = published(shop, anna)
    step(shop, number, approval.note_thanks, owner=OLGA)
    step(shop, number, approval.shorten, words="Een tafel voor zes.", owner=OLGA)
    step(shop, number, references.tick, use="website")
    yes(shop, number)
    step(shop, number, approval.refuse, owner=OLGA, programme=shop.programme)
    events = [each for each in shop.rows(AuditEvent) if each["action"].startswith("reference:")]
    assert [each["action"].split(":")[1] for each in events] == ["nominate", "publish", "thanks", "shorten", "refuse"]
    assert {each["actor"] for each in events[1:]} == {f"owner:{OLGA}"}
    assert (events[2]["before"]["rewarded"], events[2]["after"]["rewarded"]) == (False, True)
    assert (events[3]["before"]["text"], events[3]["after"]["text"]) == (TEXT, "Een tafel voor zes.")


def test_a_longer_text_than_an_owner_may_write_changes_nothing(database: Database) -> None:
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    number = published(shop, anna)
    with pytest.raises(NotACorrection):
        step(shop, number, approval.shorten, words=TEXT + " " + TEXT, owner=OLGA)
    assert len(on_the_wall(shop)) == 1


def test_a_no_keeps_no_words_and_rests_for_a_year(database: Database) -> None:
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    number = drafted(shop, anna)
    step(shop, number, references.decline, programme=shop.programme)
    found = row(shop, number)
    assert [found[name] for name in ("answers", "text", "original", "name", "town", "since")] == [[], *[None] * 5]
    assert found["rest_until"] == shop.now + timedelta(days=365)


def test_the_steps_of_an_invitation_have_their_order(database: Database) -> None:
    shop = Shop(database)
    anna, _ = shop.ambassador("Anna")
    number = invited(shop, anna)
    programme = {"programme": shop.programme}
    for early, how in ((references.rewrite, {"words": "Te vroeg."}), (references.withdraw, {"use": None, **programme})):
        with pytest.raises(ReferenceMoved):
            step(shop, number, early, **how)
    step(shop, number, references.snooze)
    with pytest.raises(ReferenceMoved):
        step(shop, number, references.snooze)
    step(shop, number, references.accept, **programme)
    with pytest.raises(ReferenceMoved):
        step(shop, number, references.accept, **programme)


def test_what_fits_into_an_answer_three_times_fits_into_a_text() -> None:
    assert units("🎉") == 2
    assert 3 * LONGEST_ANSWER + 2 <= LONGEST_TEXT


def _rename(session: Session, customer_id: int, name: str) -> None:
    get_customer(session, customer_id).first_name = name


def _put(session: Session, number: int, status: str) -> None:
    session.get_one(Reference, number).status = status


def _theirs(session: Session, number: int, customer_id: int) -> int | None:
    return own_reference(session, number, customer_id=customer_id).id


def _state(session: Session, customer_id: int, state: str) -> None:
    get_customer(session, customer_id).state = state
