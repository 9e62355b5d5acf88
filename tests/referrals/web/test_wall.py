from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest
from aiohttp import ClientResponse

from referrals.asking import approval, references
from referrals.asking.shown import Shown
from referrals.people.customers import set_state, stop
from referrals.web import wall as door
from storage.database import Database
from tests.builders import Shop
from tests.referrals.asking.telling import TEXT, agreed, buy, published, row, step, yes
from tests.referrals.web.conftest import Web, close_web, open_web
from tests.referrals.web.test_api import make_key

NL, EN = {"Accept-Language": "nl-NL,nl;q=0.9"}, {"Accept-Language": "en-US,en;q=0.5"}
FIELDS = {
    "number", "text", "lang", "name", "town", "customer_since", "verified", "thanked", "published_on",
}  # fmt: skip


class Stage:
    """Olga's shop and its web door on one database and one clock."""

    def __init__(self, shop: Shop, web: Web) -> None:
        self.shop, self.web = shop, web

    def anna(self, name: str = "Anna", **how: Any) -> int:
        customer, _ = self.shop.ambassador(name)
        buy(self.shop, customer, days_ago=800)
        return published(self.shop, customer, **how)

    async def items(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await (await self.web.get("/wall.json")).json())["items"]
        return items


@pytest.fixture
async def stage(database: Database) -> Any:
    shop = Shop(database, programme__name="Atelier Noord", telegram__username="noord_bot")
    web = await open_web(database, shop.programme)
    web.clock.moment = shop.now
    yield Stage(shop, web)
    await close_web(web)


async def test_the_wall_says_whose_words_they_are_and_how_they_came_there(stage: Stage) -> None:
    """Requirement F5; no stars, a selection that says so (playbook 3.6)."""
    number = stage.anna(town="Utrecht")
    step(stage.shop, number, approval.note_thanks, owner=1)
    answer = await stage.web.get("/wall", headers=NL)
    page = unescape(await answer.text())
    assert answer.status == 200
    assert TEXT in page
    for words in ("Ervaringen van ambassadeurs", "<strong>Anna</strong>, Utrecht", "geverifieerde klant sinds 2024",
                  "kreeg een bedankje", "Dit is dus een selectie", "nagekeken", "Meedoen levert niets op"):  # fmt: skip
        assert words in page, words
    assert "★" not in page
    assert '<blockquote lang="nl"' in page
    assert "verified customer since 2024" in await (await stage.web.get("/wall", headers=EN)).text()


async def test_an_empty_wall_says_so(stage: Stage) -> None:
    assert "nog niets te lezen" in await (await stage.web.get("/wall", headers=NL)).text()
    assert (await (await stage.web.get("/wall.json")).json())["items"] == []


async def test_the_feed_has_what_was_consented_to_and_a_number(stage: Stage) -> None:
    number = stage.anna()
    answer = await stage.web.get("/wall.json")
    body = await answer.json()
    assert set(body) == {"programme", "wall", "selected", "items", "next"}
    (item,) = body["items"]
    assert set(item) == FIELDS
    assert item == {
        "number": stage.shop.programme.number("reference", number), "text": TEXT, "lang": "nl", "name": "Anna",
        "town": None, "customer_since": 2024, "verified": True, "thanked": False, "published_on": "2026-11-24",
    }  # fmt: skip
    shown = Shown(item["text"], item["name"], item["town"], item["customer_since"])
    assert shown.hash() == row(stage.shop, number)["text_hash"]
    assert "Access-Control-Allow-Origin" in answer.headers
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_whoever_has_the_feed_asks_again_within_five_minutes_and_gets_no_copy(stage: Stage) -> None:
    stage.anna()
    first = await stage.web.get("/wall.json")
    ages = {
        name: value
        for name, _, value in (part.strip().partition("=") for part in first.headers["Cache-Control"].split(","))
    }
    assert int(ages["max-age"]) <= 300
    again = await stage.web.get("/wall.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read(), again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    page = await stage.web.get("/wall")
    assert "max-age=60" in page.headers["Cache-Control"]


async def test_a_withdrawal_is_gone_at_the_next_look(stage: Stage) -> None:
    number = stage.anna(uses=("website", "print"))
    tag = (await stage.web.get("/wall.json")).headers["ETag"]
    step(stage.shop, number, references.withdraw, use="print", programme=stage.shop.programme)
    assert len(await stage.items()) == 1
    step(stage.shop, number, references.withdraw, use="website", programme=stage.shop.programme)
    again = await stage.web.get("/wall.json", headers={"If-None-Match": tag})
    assert (again.status, (await again.json())["items"]) == (200, [])
    assert TEXT.split("\n")[0] not in await (await stage.web.get("/wall")).text()


async def test_stopping_leaves_it_and_being_excluded_hides_it(stage: Stage) -> None:
    stage.anna()
    anna = stage.shop.ambassador("Anna")[0]
    stage.shop.database.run(stop, anna, now=stage.shop.now)
    assert len(await stage.items()) == 1
    for state in ("excluded", "staff", "erased"):
        stage.shop.database.run(set_state, anna, state=state, why="x", actor="command", now=stage.shop.now)
        assert await stage.items() == []


@pytest.mark.parametrize(
    "typed",
    ["<img src=x onerror=alert(1)>", "</p><script>alert(1)</script>", '" onmouseover="alert(1)', "{{7*7}} {% raw %}"],
)
async def test_words_are_only_ever_words(stage: Stage, typed: str) -> None:
    """Stored XSS: escaped, under a policy that runs nothing."""
    customer, _ = stage.shop.ambassador(typed, shop_id="mats", email="mats@example.nl")
    number = agreed(stage.shop, customer)
    step(stage.shop, number, references.rewrite, words=typed)
    step(stage.shop, number, references.set_town, town=typed)
    step(stage.shop, number, references.tick, use="website")
    agree(stage, number)
    answer = await stage.web.get("/wall")
    page = await answer.text()
    assert typed not in page or typed.startswith("{{")
    assert unescape(page).count(typed) >= 2
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    feed = await stage.web.get("/wall.json")
    assert (feed.content_type, feed.headers["X-Content-Type-Options"]) == ("application/json", "nosniff")
    assert json.loads(await feed.read())["items"][0]["text"] == typed


def agree(stage: Stage, number: int) -> None:
    yes(stage.shop, number)
    step(stage.shop, number, approval.publish, owner=1, programme=stage.shop.programme)


async def test_a_long_wall_comes_in_pages_that_miss_nobody(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the last one of a page is withdrawn before the next is asked for."""
    monkeypatch.setattr(door, "PAGE", 2)
    numbers = [stage.anna(f"Anna{n}") for n in range(5)]
    first = await (await stage.web.get("/wall.json")).json()
    step(stage.shop, numbers[3], references.reopen)
    seen = [item["number"] for item in first["items"]]
    following = first["next"]
    while following:
        body = await (
            await stage.web.get(following.removeprefix(stage.shop.programme.config.programme.base_url))
        ).json()
        seen += [item["number"] for item in body["items"]]
        following = body["next"]
    assert seen == [stage.shop.programme.number("reference", each) for each in reversed(numbers)]
    assert "/wall?before=" in await (await stage.web.get("/wall")).text()


@pytest.mark.parametrize(
    "before", ["", "x", "1.2.3", "9" * 40 + ".K7QX3", "99999999999999999.K7QX3", "-1.AAAAA", "%00"]
)
async def test_a_cursor_of_somebody_s_own_breaks_nothing(stage: Stage, before: str) -> None:
    stage.anna()
    for path in ("/wall", "/wall.json"):
        assert (await stage.web.get(f"{path}?before={before}")).status == 200


async def test_the_wall_is_only_looked_at(stage: Stage) -> None:
    answers: list[ClientResponse] = [await stage.web.ask("POST", path) for path in ("/wall", "/wall.json")]
    assert [answer.status for answer in answers] == [405, 405]
    assert (await stage.web.ask("HEAD", "/wall")).status == 200


async def test_the_api_lists_how_each_stands_and_words_only_while_they_are_allowed(stage: Stage) -> None:
    number = stage.anna()
    customer, _ = stage.shop.ambassador("Bram")
    waiting = agreed(stage.shop, customer)
    key = {"Authorization": f"Bearer {make_key(stage.web, 'references:read')}"}
    first = await (await stage.web.get("/api/v1/references?limit=1", headers=key)).json()
    assert [(each["status"], each["on_wall"], each["text"]) for each in first["items"]] == [
        ("customer_approved", False, TEXT)
    ]
    second = await (await stage.web.get(f"/api/v1/references?cursor={first['next_cursor']}", headers=key)).json()
    (anna,) = second["items"]
    assert (anna["reference"], anna["status"], anna["on_wall"], anna["uses"]) == (
        stage.shop.programme.number("reference", number), "published", True, ["website"],
    )  # fmt: skip
    assert second["next_cursor"] is None
    step(stage.shop, waiting, references.withdraw, use=None, programme=stage.shop.programme)
    named = stage.shop.programme.number("customer", customer)
    bram = (await (await stage.web.get(f"/api/v1/references?customer={named}", headers=key)).json())["items"]
    assert [(each["status"], each["text"], each["name"]) for each in bram] == [("withdrawn", None, None)]
    assert (await stage.web.get("/api/v1/references?cursor=x", headers=key)).status == 422
    other = {"Authorization": f"Bearer {make_key(stage.web, 'orders:read')}"}
    assert (await stage.web.get("/api/v1/references", headers=other)).status == 403
