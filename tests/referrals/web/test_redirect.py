from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import Session, func, select

from referrals.landing import landing_address
from referrals.recruiting.clicks import find_clicks
from referrals.web.redirect import is_click, is_preview
from storage.codes import Click
from storage.database import Database, OutcomeUnknown, Overloaded
from tests.referrals.web.conftest import Web, close_web, open_web, paper_programme

PHONE = "Mozilla/5.0 (Linux; Android 14; CUBOT P80) AppleWebKit/537.36 Chrome/127.0 Mobile Safari/537.36"


def clicks(database: Database) -> int:
    def count(session: Session) -> int:
        return session.exec(select(func.count()).select_from(Click)).one()

    return database.look(count)


def query(location: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(location).query)


async def test_a_visit_is_recorded_and_goes_on_with_code_and_token(web: Web) -> None:
    """Rule 21: the token travels in the landing URL; the cookie is a convenience, HttpOnly and Lax."""
    anna, code = web.enrol()
    answer = await web.get(f"/r/{code}")
    location = answer.headers["Location"]
    assert answer.status == 302
    assert location.startswith("https://winkel.example/hallo?utm_source=vriend&ref=")
    assert urlsplit(location).fragment == "top"
    assert query(location)["ref"] == [code]
    token = query(location)["click"][0]
    assert web.database.look(find_clicks, [token])[token].ambassador_id == anna
    morsel = SimpleCookie(answer.headers["Set-Cookie"])["ambassade_click"]
    assert (morsel.value, morsel["httponly"], morsel["samesite"], morsel["secure"]) == (token, True, "Lax", True)
    assert answer.headers["Cache-Control"] == "no-store"


async def test_any_spelling_finds_the_code(web: Web) -> None:
    """Rule 17: upper-case, other symbols dropped, O as 0, I and L as 1."""
    _, code = web.enrol()
    for spelling in (code.lower(), f"{code[:4]}-{code[4:]}", f"{code[:4]}%20{code[4:]}", f"{code}/", f"{code}."):
        answer = await web.get(f"/r/{spelling}")
        assert answer.status == 302
        assert query(answer.headers["Location"])["ref"] == [code]


async def test_a_code_that_is_nobodys_gets_a_friendly_page_with_the_way_to_the_shop(web: Web) -> None:
    answer = await web.get("/r/NIEMAND", headers={"Accept-Language": "nl"})
    page = await answer.text()
    assert answer.status == 404
    assert "Deze code kennen we niet" in page
    assert 'href="https://winkel.example/hallo"' in page
    assert clicks(web.database) == 0


async def test_one_wrong_symbol_is_asked_about(web: Web) -> None:
    """Rule 17: the check symbol tells a typing error from an unknown code."""
    _, code = web.enrol()
    wrong = ("A" if code[0] != "A" else "B") + code[1:]
    answer = await web.get(f"/r/{wrong}", headers={"Accept-Language": "en-GB,nl;q=0.5"})
    assert answer.status == 404
    assert "A typing error?" in await answer.text()


async def test_the_shop_can_be_chosen_and_else_is_the_first(web: Web) -> None:
    """Rule 39: several shops: ?shop=, else the first; what the URL holds already is not added twice."""
    _, code = web.enrol()
    chosen = (await web.get(f"/r/{code}?shop=atelier")).headers["Location"]
    assert chosen.startswith(f"https://atelier.example/?ref={code}&click=")
    assert query(chosen)["ref"] == [code]
    other = (await web.get(f"/r/{code}?shop=elders")).headers["Location"]
    assert other.startswith("https://winkel.example/")


async def test_who_only_looks_is_redirected_without_a_click(web: Web) -> None:
    """Rule 21: a click comes without Sec-Purpose, for a document, and not from known preview bots."""
    cases = {
        "HEAD": ("HEAD", {}),
        "prefetch": ("GET", {"Sec-Purpose": "prefetch"}),
        "an image": ("GET", {"Sec-Fetch-Dest": "image"}),
        "a script": ("GET", {"Sec-Fetch-Dest": "empty"}),
        "Telegram": ("GET", {"User-Agent": "TelegramBot (like TwitterBot)"}),
        "WhatsApp": ("GET", {"User-Agent": "WhatsApp/2.24.1 A"}),
        "Facebook": ("GET", {"User-Agent": "facebookexternalhit/1.1"}),
        "Slack": ("GET", {"User-Agent": "Slackbot-LinkExpanding 1.0"}),
    }
    for method, headers in cases.values():
        _, code = web.enrol()
        answer = await web.ask(method, f"/r/{code}", headers=headers)
        assert answer.status == 302
        assert query(answer.headers["Location"]) == {"utm_source": ["vriend"], "ref": [code]}
        assert "Set-Cookie" not in answer.headers
        assert clicks(web.database) == 0
        assert (await web.ask(method, "/r/NIEMAND", headers=headers)).status == 404


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Dest": "document", "User-Agent": PHONE}, {"User-Agent": "curl/8"}])
def test_a_person_is_a_click(headers: dict[str, str]) -> None:
    """Rule 21: Sec-Fetch-Dest absent or document."""
    assert is_click("GET", headers)
    assert not is_click("HEAD", headers)
    assert not is_preview(PHONE)


class Away:
    """A database that is not there."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def batch(self, *_: Any, **__: Any) -> Any:
        raise self.error

    read = write = batch


@pytest.mark.parametrize(
    "error", [Overloaded("full"), OutcomeUnknown("lost"), OSError("no route"), RuntimeError("bug")]
)
async def test_a_visitor_goes_on_when_the_database_is_away(error: Exception) -> None:
    """Rule 39: 302 with the code as typed, unchecked, without token or cookie."""
    away: Any = Away(error)
    web = await open_web(away, paper_programme())
    try:
        for method in ("GET", "HEAD"):
            answer = await web.ask(method, "/r/anna-7k3q")
            assert answer.status == 302
            assert query(answer.headers["Location"]) == {"utm_source": ["vriend"], "ref": ["anna-7k3q"]}
            assert "Set-Cookie" not in answer.headers
        assert (await web.get("/i/anna-7k3q")).status in {500, 503}
        ready = await web.get("/readyz")
        assert (ready.status, await ready.json()) == (503, {"status": "not_ready", "code": "database"})
        assert (await web.get("/healthz")).status == 200
    finally:
        await close_web(web)


@pytest.mark.parametrize(
    "path",
    [
        "/r/%2F%2Fevil.example",
        "/r/%5Cevil.example",
        "/r/https:evil.example",
        "/r/javascript:alert(1)",
        "/r/x%0D%0ALocation:%20https://evil.example",
        "/r/x%0D%0A%0D%0A%3Cscript%3E",
        "/r/@evil.example",
        "/r/xn--evil-9d0b.example",
        "/r/x?next=//evil.example",
        "/r/x?shop=//evil.example",
        "/r/x%23%26ref=evil",
    ],
)
async def test_nothing_a_visitor_types_leads_elsewhere(path: str) -> None:
    """Open redirect: only hosts of the configuration, also when nothing can be checked (rule 39)."""
    away: Any = Away(Overloaded("full"))
    web = await open_web(away, paper_programme())
    try:
        answer = await web.get(path)
    finally:
        await close_web(web)
    assert answer.status == 302
    location = urlsplit(answer.headers["Location"])
    assert (location.scheme, location.netloc, location.path, location.fragment) == (
        "https",
        "winkel.example",
        "/hallo",
        "top",
    )
    assert parse_qs(location.query).keys() == {"utm_source", "ref"}


async def test_who_tries_codes_waits_a_minute(web: Web) -> None:
    """Published limit: a client that misses 20 codes in a minute waits a minute."""
    _, code = web.enrol()
    for number in range(20):
        assert (await web.get(f"/r/NIEMAND{number}")).status == 404
    for path in (f"/r/{code}", "/r/NIEMAND", f"/i/{code}", f"/i/{code}.svg"):
        answer = await web.get(path)
        assert answer.status == 429
        assert 55 <= int(answer.headers["Retry-After"]) <= 60


async def test_a_very_long_code_is_only_unknown(web: Web) -> None:
    assert (await web.get("/r/" + "A" * 5000)).status == 404


async def test_what_was_typed_is_shown_escaped(web: Web) -> None:
    cases = [
        "<script>alert(1)</script>",
        "{{7*7}}",
        '"><img src=x onerror=alert(1)>',
        "\u202eevil",
    ]
    for code in cases:
        page = await (await web.get(f"/r/{code}")).text()
        assert "<script>" not in page
        assert "<img src=x" not in page
        assert ">49<" not in page


@pytest.mark.parametrize(
    "landing, code, token, url",
    [
        ("https://s.example", "ANNA", "t", "https://s.example?ref=ANNA&click=t"),
        ("https://s.example/?ref={code}", "ANNA", "t", "https://s.example/?ref=ANNA&click=t"),
        ("https://s.example/?ref={code}", "ANNA", None, "https://s.example/?ref=ANNA"),
        ("https://s.example/?", "ANNA", "t", "https://s.example/?ref=ANNA&click=t"),
        ("https://s.example/?click=x", "ANNA", "t", "https://s.example/?click=x&ref=ANNA"),
        ("https://s.example/{code}#{code}", "A B", "t-_", "https://s.example/A%20B?ref=A%20B&click=t-_#A%20B"),
    ],
)
def test_code_and_token_are_added_where_they_are_not(landing: str, code: str, token: str | None, url: str) -> None:
    """Rule 39: ref and click are added to the landing URL where it does not hold them yet."""
    assert landing_address(landing).url(code, token) == url
