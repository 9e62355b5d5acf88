"""Every word that a customer or an owner reads: both languages, the same placeholders, our voice, Telegram's limits."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from bot.texts import LOCALES, Texts, UnknownText, files, money, percent
from referrals import errors, notices, reasons
from referrals.figures.periods import KINDS

ROOT = Path(__file__).parent.parent
SAME_IN_BOTH = re.compile(
    r"button\.(nl|en|whatsapp|period\.week)|command\.(start|link)|link\.address|board\.(row|full_row)|period\.\w+"
    r"|reference\.(ticked|unticked|quoted|signed)|why\.line\w*|review\.signal|page\..*|sandbox\..*"
)
EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
FORMAL = re.compile(
    r"\b(u|uw|geachte|beste klant|win-win|slechts|mis het niet|bedenktijd|criticaster|slapend)\b", re.IGNORECASE
)
# What the data of every reason holds, as referrals/reasons.py says.
DATA = {
    "days": 30, "count": 3, "amount_minor": 2500, "currency": "EUR", "month": "2026-11", "typed": "ANNA7K3Q",
    "date": "2026-12-06", "ending": "WXYZ",
}  # fmt: skip


def messages(language: str) -> dict[str, Message]:
    found: dict[str, Message] = {}
    for path in files(language):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id:
                    key = message.id if isinstance(message.id, str) else message.id[0]
                    assert key not in found, f"{key} stands in two catalogues"
                    found[key] = message
    return found


NL, EN = messages("nl"), messages("en")
KEYS = sorted(NL)


def forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_keys() -> None:
    assert set(NL) == set(EN)


def test_both_languages_fill_in_the_same_things() -> None:
    for key in KEYS:
        wanted = placeholders(" ".join(forms(NL[key])))
        assert placeholders(" ".join(forms(EN[key]))) == wanted, key
        assert all(name.isidentifier() for name in wanted), key
        assert len(forms(NL[key])) == len(forms(EN[key])), key


def test_every_text_is_there_and_is_translated() -> None:
    for key in KEYS:
        assert all(form.strip() for form in (*forms(NL[key]), *forms(EN[key]))), key
        assert forms(NL[key]) != forms(EN[key]) or SAME_IN_BOTH.fullmatch(key), key


def test_dutch_is_said_in_our_voice() -> None:
    said = [(key, form) for key in KEYS for form in forms(NL[key])]
    assert [(key, form) for key, form in said if FORMAL.search(form)] == []


def test_a_text_has_at_most_one_emoji_and_one_exclamation_mark() -> None:
    said = [form for key in KEYS for form in (*forms(NL[key]), *forms(EN[key]))]
    assert [form for form in said if len(EMOJI.findall(form)) > 1 or form.count("!") > 1] == []


@pytest.mark.parametrize("code", reasons.ALL)
@pytest.mark.parametrize("locale", LOCALES)
def test_every_reason_is_a_sentence_with_its_data_filled_in(code: str, locale: str) -> None:
    said = Texts().say(f"reason.{code}", locale, **DATA)
    assert "…" not in said
    assert "{" not in said
    assert said.endswith(".")


@pytest.mark.parametrize("kind", notices.ALL)
def test_every_notice_has_its_text(kind: str) -> None:
    texts = Texts()
    assert texts.has(f"notice.{kind}")
    assert texts.has(f"notice.{kind}.line") == (kind in notices.MONEY)


@pytest.mark.parametrize(
    "error", [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)]
)
def test_every_error_has_its_text(error: type[errors.ProgrammeError]) -> None:
    assert Texts().has(f"error.{error.code}")


def test_every_outcome_of_a_start_and_of_connecting_has_its_text() -> None:
    starts = ("own_account", "already_referred", "already_customer", "circular", "excluded_customer", "unknown_code",
              "code_typing_error")  # fmt: skip
    connects = ("connected", "already", "used_elsewhere", "expired", "unknown", "bound_elsewhere", "claimed", "missed",
                "too_many", "review")  # fmt: skip
    texts = Texts()
    assert all(texts.has(f"invite.{kind}") for kind in starts)
    assert all(texts.has(f"connect.{kind}") for kind in connects)
    assert all(texts.has(f"button.period.{kind}") and texts.has(f"period.{kind}") for kind in KINDS)


def keys_in_code() -> Iterator[tuple[str, str]]:
    """Every literal key that is said anywhere in the packages."""
    prefixes = {key.partition(".")[0] for key in KEYS}
    for path in [*(ROOT / "bot").glob("*.py"), *(ROOT / "bot" / "screens").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                shape = re.fullmatch(r"([a-z_]+)(\.[a-z_]+)+", node.value)
                if shape and shape[1] in prefixes - {"screen", "view"}:
                    yield path.name, node.value


def test_every_key_that_the_screens_say_is_in_the_catalogues() -> None:
    said = {key for place, key in keys_in_code() if place != "telegram.py" and not key.startswith("chat.")}
    logged = {"update.failed", "message.unsaid"}
    assert said - set(KEYS) - logged == set()


def test_no_screen_and_no_handler_holds_a_sentence() -> None:
    """Words live in the catalogues: in the chat's code a string of three words is a docstring or a log's."""
    found = []
    for path in (ROOT / "bot" / "screens").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
                found += [node.value] if len(node.value.split()) >= 3 else []
    assert found == []


@pytest.mark.parametrize(
    "amount, currency, nl, en",
    [
        (1000, "EUR", "€ 10", "€ 10"),
        (750, "EUR", "€ 7,50", "€ 7.50"),
        (123450, "EUR", "€ 1.234,50", "€ 1,234.50"),
        (-1000, "EUR", "-€ 10", "-€ 10"),
        (500, "JPY", "JP¥ 500", "¥ 500"),
        (1500, "KWD", "KWD 1,500", "KWD 1.500"),
    ],
)
def test_money_is_said_without_needless_cents(amount: int, currency: str, nl: str, en: str) -> None:
    assert money(amount, currency, "nl") == nl.replace(" ", "\N{NO-BREAK SPACE}")
    assert money(amount, currency, "en") == en.replace(" ", "\N{NO-BREAK SPACE}")


def test_a_day_is_the_day_that_it_is_in_the_programmes_zone() -> None:
    texts, late = Texts(), datetime(2026, 12, 5, 23, 30, tzinfo=UTC)
    assert texts.day(late, "nl") == "6 december"
    assert texts.day(late.isoformat(), "en") == "6 December"
    assert texts.day("2026-12-05", "nl") == "5 december"


def test_a_share_is_said_in_percent() -> None:
    assert (percent(1250, "nl"), percent(1000, "en")) == ("12,5%", "10%")


def test_plurals_follow_the_number() -> None:
    texts = Texts()
    assert "1 vriend " in texts.say("home.friends", "nl", count=1)
    assert "2 vrienden " in texts.say("home.friends", "nl", count=2)
    assert "0 friends " in texts.say("home.friends", "en", count=0)


def test_what_is_filled_in_is_escaped_for_the_chat_and_plain_elsewhere() -> None:
    texts = Texts()
    assert "&lt;b&gt;&amp;" in texts.say_html("home.welcome", "nl", name="<b>&")
    assert "<b>&" in texts.say("home.welcome", "nl", name="<b>&")


@pytest.mark.parametrize(
    "wanted, spoken", [("nl", "nl"), ("nl-BE", "nl"), ("en-GB", "en"), ("de", "en"), (None, "nl"), ("", "nl")]
)
def test_who_reads_neither_language_reads_english_and_an_unknown_one_the_programmes(
    wanted: str | None, spoken: str
) -> None:
    assert Texts(default="nl").locale(wanted) == spoken


def test_a_missing_datum_loses_no_message_and_an_unknown_key_is_a_bug() -> None:
    texts = Texts()
    assert "…" in texts.say("reason.on_hold_until", "nl")
    with pytest.raises(UnknownText):
        texts.say("reason.of_state", "nl")
