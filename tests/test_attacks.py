"""What somebody may try has a test each: the list is attacks.txt, and what no other file holds is here."""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from storage.database import Database
from tests.builders import NOON, Shop, order
from tests.installation import SECRET
from tests.world import Buyer, World, opened

ROOT = Path(__file__).parents[1]
LIST = ROOT / "tests/attacks.txt"
MATS = Buyer("konto-666", "mats.geheim@example.nl", "Mattheus")
SQL = (
    "' OR 1=1 --",
    "'; DROP TABLE customer; --",
    '" UNION SELECT key_hash FROM api_key --',
    "1) OR (1=1",
    "%27%20OR%201",
)


@pytest.fixture
async def world(engine: str, database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with opened(engine, database_url, tmp_path) as world:
        yield world


def listed() -> dict[str, list[str]]:
    """Tests by attack."""
    lines = [line for line in LIST.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {attack: tests.split(", ") for attack, _, tests in (line.partition(" = ") for line in lines)}


def test_every_attack_has_its_test() -> None:
    attacks = listed()

    assert len(attacks) >= 44
    for attack, tests in attacks.items():
        for test in tests:
            path, _, name = test.partition("::")
            tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
            names = {each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
            assert name in names, (attack, test)


def test_secrets_are_compared_in_constant_time_only() -> None:
    """Signatures of shops and the secret of the webhook: never with ``==``, which ends at the first wrong symbol."""
    for name in ("referrals/recruiting/shops/signing.py", "bot/inbox.py"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"\b(signature|secret|digest)\w* == ", text), name
    assert "compare_digest" in (ROOT / "referrals/recruiting/shops/signing.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "rule, bonuses",
    [
        pytest.param({"when": "first_order"}, 1, id="first-order"),
        pytest.param({"when": "every_order", "per_friend": 2}, 2, id="every-order"),
    ],
)
def test_a_purchase_that_is_split_earns_no_more_than_the_rule_allows(
    database: Database, rule: dict[str, Any], bonuses: int
) -> None:
    keys = {f"bonus__ambassador__{name}": value for name, value in rule.items()}
    shop = Shop(database, **keys, bonus__ambassador__min_order="25")
    anna, code = shop.ambassador("Anna")
    many = [order(number, code=code, total=3000, at=NOON + timedelta(minutes=number)) for number in range(1, 11)]
    small = [order(number, code=code, total=2400, at=NOON - timedelta(minutes=number)) for number in range(11, 21)]
    shop.deliver(*reversed(many), *small)
    assert shop.balance(anna).held_minor == bonuses * 1500
    assert shop.faults() == []


async def test_doors_of_a_later_release_are_not_there(world: World) -> None:
    """No dashboard and no Mini-App yet: whatever is sent there, with whatever token, finds nobody."""
    forged = {"initData": "user=%7B%22id%22%3A1%7D&auth_date=1&hash=00", "csrf": "x"}
    for method, path in (
        ("GET", "/dashboard/"),
        ("POST", "/dashboard/"),
        ("POST", "/dashboard/login"),
        ("POST", "/app"),
    ):
        answer = await world.ask(method, path, data=forged if method == "POST" else None)
        assert answer.status == 404, (method, path)


async def test_sql_in_what_is_typed_is_only_typed(world: World) -> None:
    """Parameters only: nothing opens, nothing is lost, and nothing of ours fails."""
    anna = await world.ambassador()
    for typed in SQL:
        page = await world.ask("GET", "/r/" + typed.replace("%", "%25"))
        told = await world.order(typed, Buyer(typed, f"{typed}@example.nl", typed), code=typed)
        board = await world.api("GET", f"/leaderboard?period={quote(typed)}")
        found = await world.api("GET", f"/customers/{typed.replace('%', '%25').replace('/', '')}")
        assert (page.status, told.status, found.status) == (404, 200, 404)
        assert 400 <= board.status < 500
    await world.order("1", code=anna.code)
    assert await world.balance(anna) == {"held_minor": 1500}


async def test_no_secret_and_nobody_is_in_the_log_at_its_most_talkative(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A friend's whole way and what goes wrong on it, with every library at DEBUG."""
    caplog.set_level(logging.DEBUG)
    anna = await world.ambassador("Annabella", chat=True)
    url = (await world.api("POST", f"/customers/{anna.number}/connect-link")).body["url"]
    landed = await world.visit(anna.links["web"])
    await world.sign_up(MATS, **landed)
    await world.order("1", MATS, **landed)
    await world.hook("order.state", world.state("2", MATS), headers={})
    await world.hook("order.state", {"id": "3", "status": MATS.email, "customer": MATS.body()})
    await world.api("POST", "/orders", {"id": "4", "customer": MATS.body(), "status": MATS.email})
    await world.ask("GET", "/api/v1/customers", headers={"Authorization": "Bearer no-such-key-7531"})
    world.telegram.inject("500", chat_id=anna.phone.id)
    anna.phone.say("/status")
    await world.settle()

    said = world.log.getvalue() + "\n".join(caplog.messages)
    secrets = (world.key, SECRET, world.telegram.token, url.partition("start=")[2], landed["click"], "no-such-key-7531")
    people = (MATS.email, MATS.first_name, MATS.id, "annabella@example.nl", "Annabella")
    assert said
    assert [each for each in (*secrets, *people) if each in said] == []
