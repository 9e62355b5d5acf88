from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web as aioweb
from sqlmodel import Session

from referrals.config import parse_config
from referrals.people.customers import get_customer, set_link_consent
from referrals.web.friend_page import gift_of
from referrals.web.health import READINESS
from referrals.web.pages import _accepted
from storage.database import Database
from tests.referrals.web.conftest import CONFIG, Web, close_web, make_programme, open_web

NL, EN = {"Accept-Language": "nl-NL,nl;q=0.9,en;q=0.8"}, {"Accept-Language": "en-US,en;q=0.5"}
PAGES = ["/c", "/c.svg", "/static/icon.svg", "/static/style.css", "/nergens", "/r/NIEMAND", "/i/NIEMAND"]


def with_config(**sections: dict[str, Any]) -> dict[str, Any]:
    return {**CONFIG, **{name: {**CONFIG.get(name, {}), **section} for name, section in sections.items()}}


async def test_the_friend_s_page_names_gift_code_minimum_terms_and_what_the_ambassador_gets(web: Web) -> None:
    _, code = web.enrol()
    answer = await web.get(f"/i/{code.lower()}", headers=NL)
    page = (await answer.text()).replace("\N{NO-BREAK SPACE}", " ")
    assert answer.status == 200
    for words in (
        "€ 10 korting op je eerste bestelling",
        "vanaf € 25",
        code,
        "ook een bedankje",
        "nooit wat of door wie",
    ):
        assert words in page
    assert f'href="https://noord.example/r/{code}?shop=winkel"' in page
    assert f'href="https://t.me/noord_bot?start=r_{code}"' in page
    assert 'href="https://noord.example/voorwaarden"' in page
    assert 'href="mailto:olga@noord.example"' in page


async def test_a_name_stands_there_only_with_consent(web: Web) -> None:
    """The friend's page shows the first name only with link_consent."""
    anna, code = web.enrol()
    assert "Anna" not in await (await web.get(f"/i/{code}")).text()
    web.database.run(set_link_consent, anna, consent=True, now=web.clock.programme())
    page = await (await web.get(f"/i/{code}", headers=EN)).text()
    assert "Anna has set something aside for you at Atelier Noord" in page
    assert "anna@example.com" not in page


async def test_a_name_is_only_ever_text(web: Web) -> None:
    """Stored XSS: escaped, under a policy without scripts."""
    cases = [
        "<img src=x onerror=alert(1)>",
        "{{7*7}}",
        "</title><script>alert(1)</script>",
    ]
    for name in cases:
        anna, code = web.enrol()

        web.database.run(rename, anna, name)
        answer = await web.get(f"/i/{code}")
        page = await answer.text()
        assert "<img src=x" not in page
        assert "<script>" not in page
        assert "script-src" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def rename(session: Session, customer_id: int, name: str) -> None:
    customer = get_customer(session, customer_id)
    customer.first_name, customer.link_consent = name, True


async def test_the_page_carries_a_card_for_messengers(web: Web) -> None:
    _, code = web.enrol()
    page = await (await web.get(f"/i/{code}", headers=NL)).text()
    assert '<meta property="og:title" content="Er ligt iets voor je klaar bij Atelier Noord">' in page
    assert f'<meta property="og:url" content="https://noord.example/i/{code}">' in page
    assert '<meta property="og:description"' in page


async def test_someone_who_is_excluded_invites_nobody(web: Web) -> None:
    anna, code = web.enrol()

    def exclude(session: Any) -> None:
        get_customer(session, anna).state = "excluded"

    web.database.run(exclude)
    assert (await web.get(f"/i/{code}")).status == 404


async def test_the_link_is_there_as_a_qr_code(web: Web) -> None:
    _, code = web.enrol()
    answer = await web.get(f"/i/{code}.svg")
    assert (answer.status, answer.content_type) == (200, "image/svg+xml")
    assert (await answer.read()).startswith(b"<?xml")
    assert (await web.get("/i/NIEMAND.svg")).status == 404


async def test_the_connect_page_leads_into_the_chat(web: Web) -> None:
    answer = await web.get("/c", headers=EN)
    page = await answer.text()
    assert answer.status == 200
    assert 'href="https://t.me/noord_bot?start=o"' in page
    assert "@noord_bot" in page
    assert "How to connect your order" in page
    assert (await web.get("/c.svg")).content_type == "image/svg+xml"


async def test_while_the_bot_is_unknown_the_connect_page_says_so(database: Database) -> None:
    """Rule 22: neither configured nor learnt."""
    web = await open_web(database, make_programme(database, {**CONFIG, "telegram": {}}))
    try:
        answer = await web.get("/c", headers=NL)
        assert (answer.status, "bijna" in await answer.text()) == (503, True)
        assert int(answer.headers["Retry-After"]) >= 1
        _, code = web.enrol()
        assert "t.me" not in await (await web.get(f"/i/{code}")).text()
    finally:
        await close_web(web)


@pytest.mark.parametrize(
    "friend, gift",
    [
        (
            {"amount": "10.00", "min_order": "0.00"},
            {"kind": "fixed", "amount_minor": 1000, "currency": "EUR", "least": None},
        ),
        (
            {"kind": "percent", "percent": "12.5", "min_order": "25.00"},
            {"kind": "percent", "percent": Decimal("12.5"), "least": {"least_minor": 2500, "currency": "EUR"}},
        ),
        ({"kind": "percent", "percent": "10"}, {"kind": "percent", "percent": 10, "least": None}),
        ({"kind": "gift", "gift": "een doosje was"}, {"kind": "words", "gift": "een doosje was", "least": None}),
        ({}, None),
    ],
)
def test_the_gift_is_said_as_configured(friend: dict[str, str], gift: dict[str, Any] | None) -> None:
    assert gift_of(parse_config({**CONFIG, "bonus": {"friend": friend}})) == gift


async def test_every_page_has_strict_headers_and_no_word_about_what_runs_it(web: Web) -> None:
    cases = PAGES
    for path in cases:
        answer = await web.get(path)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Server"] == "ambassade"
        assert "unsafe-inline" not in answer.headers.get("Content-Security-Policy", "") or path.endswith(".svg")
        assert "<script" not in await answer.text()


@pytest.mark.parametrize(
    "header, locale",
    [
        ("nl", "nl"),
        ("nl-BE,en;q=0.5", "nl"),
        ("en-GB,en;q=0.9", "en"),
        ("de,en;q=0.5,nl;q=0.6", "nl"),
        ("nl;q=0,en;q=0.1", "en"),
        ("de", None),
        ("", None),
        ("nl;q=x", "nl"),
        ("*", None),
        (",;,=;q==", None),
    ],
)
def test_the_browser_s_first_language_that_we_speak_is_taken(header: str, locale: str | None) -> None:
    assert _accepted(header) == locale


async def test_a_language_can_be_chosen_on_the_page(web: Web) -> None:
    dutch = await web.get("/c", headers=NL)
    assert 'href="/c?lang=en"' in await dutch.text()
    english = await web.get("/c?lang=en", headers=NL)
    assert english.headers["Content-Language"] == "en"
    assert (await web.get("/c?lang=fr")).headers["Content-Language"] == "nl"


async def test_the_stylesheet_wears_the_shop_s_colour(database: Database) -> None:
    web = await open_web(database, make_programme(database, with_config(programme={"colour": "#FFEE00"})))
    try:
        sheet = await (await web.get("/static/style.css")).text()
        assert sheet.startswith(":root{--brand:#ffee00;--on-brand:#14201b}")
        icon = await (await web.get("/static/icon.svg")).text()
        assert 'fill="#ffee00"' in icon
        assert ">A</text>" in icon
    finally:
        await close_web(web)


async def test_a_logo_is_shown_from_its_address_or_served_from_its_file(database: Database, tmp_path: Any) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(b"\x89PNG")
    for source, shown in ((str(logo), "/static/logo"), ("https://cdn.example/l.png", "https://cdn.example/l.png")):
        web = await open_web(database, make_programme(database, with_config(programme={"logo": source})))
        try:
            answer = await web.get("/c")
            assert f'<img src="{shown}"' in await answer.text()
            assert ("https://cdn.example" in answer.headers["Content-Security-Policy"]) == source.startswith("https")
            assert (await web.get("/static/logo")).status == (200 if source == str(logo) else 404)
        finally:
            await close_web(web)


async def test_an_address_that_leads_nowhere_is_a_friendly_404(web: Web) -> None:
    for path in ("/nergens", "/hooks", "/metrics", "/x%0Ay"):
        answer = await web.get(path, headers=NL)
        assert (answer.status, "Hier is niets te vinden" in await answer.text()) == (404, True)


async def test_whoever_only_knows_the_address_is_shown_in(web: Web) -> None:
    """Contract 3: the way into the chat is /c."""
    answer = await web.get("/")

    assert (answer.status, answer.headers["Location"]) == (302, "/c")


async def test_a_page_cannot_be_posted_to(web: Web) -> None:
    cases = [
        "/c",
        "/i/ANNA",
        "/healthz",
        "/static/style.css",
    ]
    for path in cases:
        answer = await web.post(path, b"x=1")
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


async def test_ready_means_a_database_with_the_schema_and_nobody_stopping(web: Web) -> None:
    assert (await web.get("/healthz")).status == 200
    assert await (await web.get("/readyz")).json() == {"status": "ready"}
    app = web.runner.app
    app[READINESS].stopping = True
    answer = await web.get("/readyz")
    assert (answer.status, (await answer.json())["code"]) == (503, "stopping")


async def test_updates_go_to_whoever_takes_them(database: Database) -> None:
    async def inbox(request: aioweb.Request) -> aioweb.Response:
        return aioweb.Response(status=401, text=await request.text())

    web = await open_web(database, make_programme(database), telegram_inbox=inbox)
    try:
        answer = await web.post("/telegram/webhook", b"{}")
        assert (answer.status, await answer.text()) == (401, "{}")
        assert (await web.get("/telegram/webhook")).status == 405
    finally:
        await close_web(web)
