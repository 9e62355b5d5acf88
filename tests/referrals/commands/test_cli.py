from __future__ import annotations

import csv
import io
import json
import resource
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from referrals.clock import Clock
from referrals.clock_row import set_offset
from referrals.recruiting.events import Delivery, apply_deliveries, store_quarantined
from referrals.recruiting.shops import Event, standard
from referrals.recruiting.shops.registry import ADAPTERS
from storage.bulk import insert_rows
from storage.database import Database
from storage.installation import ApiKey
from storage.ledger import Bonus, Entry, Posting
from storage.mailbox import Inbox
from storage.orders import Order
from storage.schema import is_at_head
from tests.builders import NOON, SHOP, Shop, friend, order
from tests.engines import blank_url
from tests.referrals.asking.telling import published
from tests.referrals.commands.conftest import Commands, write_config

DEVNULL = subprocess.DEVNULL


def at_noon(shop: Shop) -> None:
    """The programme's clock shows the moment at which the tests play."""
    shop.database.run(set_offset, shop.now - Clock().machine())


def busy(ambassade: Commands) -> Shop:
    """Anna has two friends who count and Mats one; the shop's clock is three weeks on."""
    shop = ambassade.shop()
    codes = {name: shop.ambassador(name)[1] for name in ("Anna", "Mats")}
    shop.deliver(*[order(n, friend(n), code=codes[name]) for n, name in enumerate(["Anna", "Anna", "Mats"])])
    shop.pass_days(22)
    at_noon(shop)
    return shop


def body(number: int, *, code: str | None = None, **changes: Any) -> dict[str, Any]:
    data = {
        "id": str(number), "status": "paid", "currency": "EUR", "total": "90.00", "paid_at": NOON.isoformat(),
        "created_at": NOON.isoformat(), "updated_at": NOON.isoformat(), "codes": [code] if code else [],
        "customer": {"id": f"c{number}", "email": f"c{number}@example.nl", "orders": 1},
    }  # fmt: skip
    return {"type": "order.state", "data": data | changes}


def hook(shop: Shop, message: dict[str, Any], *, fault: bool = False) -> None:
    """A delivery of the shop; with ``fault`` our own code failed on it."""
    raw = json.dumps(message).encode()
    delivery = Delivery("hook", SHOP, raw, standard.read(SHOP, {}, raw), received_at=NOON)
    if fault:
        shop.database.run(store_quarantined, delivery, RuntimeError(), programme=shop.programme)
    else:
        shop.database.run(apply_deliveries, [delivery], programme=shop.programme)


def test_the_leaderboard_is_a_table_for_people_and_json_for_machines(ambassade: Commands) -> None:
    busy(ambassade)
    found = ambassade.json("leaderboard", "--period", "all")
    assert [(row["place"], row["name"], row["friends"]) for row in found["rows"]] == [(1, "Anna", 2), (2, "Mats", 1)]
    assert [row["name"] for row in ambassade.json("leaderboard", "--period", "all", "--top", "1")["rows"]] == ["Anna"]
    table = ambassade("leaderboard", "--rebuild")
    assert table.exit_code == 0
    assert "Anna" in table.stdout
    assert "180.00" in table.stdout


def test_a_name_cannot_command_the_terminal(ambassade: Commands) -> None:
    shop = ambassade.shop()
    _, code = shop.ambassador("\x1b[2J[red]Mats", email="mats@example.nl")
    shop.deliver(order(1, code=code))
    at_noon(shop)
    assert "[2J[red]Mats" in ambassade("leaderboard").stdout
    assert "\x1b" not in ambassade("leaderboard").stdout


@pytest.mark.parametrize("what", ["leaderboard", "ledger", "referrals", "customers"])
def test_an_export_goes_to_standard_output_in_both_forms(ambassade: Commands, what: str) -> None:
    busy(ambassade)
    as_csv = ambassade("export", what)
    as_json = ambassade("export", what, "--format", "json")
    assert (as_csv.exit_code, as_json.exit_code) == (0, 0)
    assert len(list(csv.DictReader(io.StringIO(as_csv.stdout)))) == len(json.loads(as_json.stdout)) > 0


def test_references_are_exported_as_they_stand(ambassade: Commands) -> None:
    shop = ambassade.shop()
    number = published(shop, shop.ambassador("Anna")[0])
    (row,) = json.loads(ambassade("export", "references", "--format", "json").stdout)
    assert (row["reference"], row["on_wall"]) == (shop.programme.number("reference", number), True)
    assert len(list(csv.DictReader(io.StringIO(ambassade("export", "references").stdout)))) == 1


def test_a_dry_run_over_past_orders_says_what_other_rules_would_have_cost(ambassade: Commands, tmp_path: Path) -> None:
    shop = ambassade.shop()
    anna, code = shop.ambassador("Anna")
    shop.deliver(order(1, code=code))
    rules = tmp_path / "rules.toml"
    rules.write_text('[bonus.ambassador]\namount = "20.00"\n')
    asked = ("dry-run", "--rules", str(rules), "--since", "2026-11-01", "--until", "2026-12-01")

    found = ambassade.json(*asked)

    largest = [{"customer": shop.programme.number("customer", anna), "amount_minor": 2000}]
    assert (found["would"]["largest"], found["difference_minor"]) == (largest, 500)
    assert "This would have cost EUR 20.00 (now: EUR 15.00)." in ambassade(*asked).stdout


def test_a_dry_run_says_what_would_be_and_why_and_writes_nothing(ambassade: Commands, tmp_path: Path) -> None:
    shop = ambassade.shop()
    anna, code = shop.ambassador("Anna")
    at_noon(shop)
    file = tmp_path / "order.json"
    for content in (body(1, code=code), body(1, code=code)["data"]):
        file.write_text(json.dumps(content))
        found = ambassade.json("dry-run", str(file))
        assert (found["ambassador"], found["bonus_minor"]) == (shop.programme.number("customer", anna), 1500)
        assert found["reasons"][0]["text"] == "reason.on_hold_until in nl with date"
    assert "on_hold_until" in ambassade("dry-run", str(file)).stdout
    assert shop.rows(Order) == []


def test_replay_changes_nothing_that_is_right(ambassade: Commands) -> None:
    """Rule 3: replay re-attributes nothing."""
    shop = ambassade.shop()
    _, code = shop.ambassador("Anna")
    hook(shop, body(1, code=code))
    before = [shop.rows(table) for table in (Order, Bonus, Posting, Entry)]
    found = ambassade.json("replay")
    assert found == {"applied": 0, "unchanged": 1, "ignored": 0, "quarantined": 0}
    assert [shop.rows(table) for table in (Order, Bonus, Posting, Entry)] == before


def test_replay_applies_what_our_own_fault_put_aside(ambassade: Commands) -> None:
    """Rule 37: the raw bytes are kept, so that nothing is lost."""
    shop = ambassade.shop()
    _, code = shop.ambassador("Anna")
    hook(shop, body(1, code=code), fault=True)
    hook(shop, body(2, code=code))
    assert ambassade.json("replay", "--quarantined") == {"applied": 1, "unchanged": 0, "ignored": 0, "quarantined": 0}
    assert {row["status"] for row in shop.rows(Inbox)} == {"done"}
    assert len(shop.rows(Order)) == 2
    assert ambassade.json("replay", "--since", "2026-11-25")["unchanged"] == 0


def test_a_fault_of_ours_in_one_delivery_holds_up_no_other(
    ambassade: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 37: what our own code fails on is put aside alone."""
    shop = ambassade.shop()
    _, code = shop.ambassador("Anna")
    for number in (1, 2):
        hook(shop, body(number, code=code), fault=True)

    def broken_for_one(*delivery: Any) -> Event:
        if b'"id": "1"' in delivery[-1]:
            raise ZeroDivisionError
        return standard.read(*delivery)

    monkeypatch.setitem(ADAPTERS, "standard", replace(standard.ADAPTER, read=broken_for_one))
    assert ambassade("replay", "--quarantined").exit_code == 1
    assert [row["reason"] for row in shop.rows(Inbox)] == ["internal_error: ZeroDivisionError", None]
    assert [row["external_id"] for row in shop.rows(Order)] == ["2"]


def test_what_makes_no_sense_still_stays_put_aside_and_fails_the_command(ambassade: Commands) -> None:
    shop = ambassade.shop()
    row = {"kind": "hook", "source": SHOP, "digest": "", "received_at": NOON, "status": "quarantined"}
    shop.database.run(insert_rows, Inbox, [row | {"body": b"{}"}, row | {"body": b"{}", "source": "closed-shop"}])
    result = ambassade("replay", "--quarantined")
    assert result.exit_code == 1
    assert "2 quarantined" in result.stdout


def test_the_audit_names_the_first_row_that_is_off(ambassade: Commands) -> None:
    shop = busy(ambassade)
    assert ambassade.json("audit") == {"faults": []}
    lot, posting = shop.rows(Bonus)[0], shop.rows(Posting)[0]["id"]
    wrong = {"posting_id": posting, "bonus_id": lot["id"], "account": "held", "currency": "EUR", "amount_minor": 5}
    shop.database.run(insert_rows, Entry, [wrong | {"customer_id": lot["customer_id"]}])
    result = ambassade("audit")
    assert result.exit_code == 1
    assert f"posting {posting}: sum 5" in result.stdout


def test_a_job_prints_the_contracts_shape(ambassade: Commands) -> None:
    shop = ambassade.shop()
    _, code = shop.ambassador("Anna")
    shop.deliver(order(1, code=code))
    at_noon(shop)
    now = "2026-12-16T09:00:00+01:00"
    assert ambassade.json("run-job", "release-bonuses", "--now", now) == {
        "job": "release-bonuses", "now": now, "done": 1, "skipped": 0, "failed": 0,
    }  # fmt: skip
    assert "0 done" in ambassade("run-job", "release-bonuses", "--now", now).stdout


def test_a_job_of_the_future_is_refused_on_telegrams_own_server(database_url: str, ambassade: Commands) -> None:
    """Rule 35: five minutes ahead at most."""
    shop = ambassade.shop()
    at_noon(shop)
    text = ambassade.config.read_text(encoding="utf-8").replace("http://127.0.0.1:9", "https://api.telegram.org")
    ambassade.config.write_text(text, encoding="utf-8")
    refused = ambassade("run-job", "audit", "--now", (NOON + timedelta(minutes=10)).isoformat())
    assert refused.exit_code == 2
    assert ambassade("run-job", "audit", "--now", (NOON + timedelta(minutes=3)).isoformat()).exit_code == 0


def test_a_key_is_the_last_line_and_stored_hashed(ambassade: Commands) -> None:
    shop = ambassade.shop()
    created = ambassade("api-key", "create", "--name", "kassa", "--scopes", "orders:write,customers:read")
    key = created.stdout.splitlines()[-1]
    assert key.startswith("amb_")
    assert key not in str(shop.rows(ApiKey))
    listed = ambassade.json("api-key", "list")
    assert [(row["name"], row["scopes"]) for row in listed] == [("kassa", ["orders:write", "customers:read"])]
    assert ambassade("api-key", "revoke", str(listed[0]["id"])).exit_code == 0
    assert ambassade("api-key", "revoke", str(listed[0]["id"])).exit_code == 1
    assert "kassa" in ambassade("api-key", "list").stdout
    assert ambassade("api-key", "create", "--name", "x", "--scopes", "everything").exit_code == 2


def test_migrate_makes_schema_and_keys_and_may_be_repeated(engine: str, tmp_path: Path) -> None:
    url = blank_url(engine, tmp_path)
    database = Database.open(url)
    ambassade = Commands(write_config(tmp_path / "config.toml", url), database)
    refused = ambassade("leaderboard")
    assert refused.exit_code == 1
    assert "ambassade migrate" in refused.stderr
    assert [ambassade("migrate").exit_code for _ in range(2)] == [0, 0]
    assert is_at_head(url)
    assert ambassade.json("leaderboard")["rows"] == []
    database.close()


@pytest.mark.parametrize(
    "words,said",
    [
        (("leaderboard", "--period", "fortnight"), "--period"),
        (("leaderboard", "--top", "0"), "--top"),
        (("leaderboard", "--at", "tomorrow"), "--at"),
        (("replay", "--since", ""), "--since"),
        (("api-key", "create", "--name", " "), "--name"),
        (("export", "stamps"), "stamps"),
        (("export", "ledger", "--format", "xls"), "--format"),
        (("replay", "--since", "yesterday"), "--since"),
        (("run-job", "make-coffee"), "make-coffee"),
        (("dry-run", "no-such-file.json"), "no-such-file.json"),
        (("dry-run", "/dev/null"), "no JSON"),
        (("dry-run",), "--rules"),
        (("dry-run", "--rules", "/dev/null"), "--since"),
        (("dry-run", "--rules", "/dev/null", "--since", "2026-11-01"), "bonus"),
        (("dry-run", "--rules", "/dev/null", "--since", "9999-12-31T23:00:00-05:00"), "--since"),
        (("dry-run", "/dev/null", "--shop", "other"), "--shop"),
    ],
)
def test_wrong_use_is_one_readable_line_and_status_2(ambassade: Commands, words: tuple[str, ...], said: str) -> None:
    ambassade.shop()
    result = ambassade(*words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_wrong_configuration_is_a_line_a_fault_naming_the_key_and_no_secret(tmp_path: Path) -> None:
    path = write_config(tmp_path / "config.toml", "mysql://olga:wachtwoord@host/db", more='colour = "groen"')
    ambassade = Commands(path, Database.open("sqlite:///unused.db"))
    result = ambassade("leaderboard")
    assert result.exit_code == 2
    assert "storage.url" in result.stderr
    assert "telegram.colour" in result.stderr
    assert "wachtwoord" not in result.stderr


def test_the_doctor_says_a_line_each_and_no_secret(ambassade: Commands) -> None:
    """Rule 13: it says whether the history is known."""
    shop = ambassade.shop()
    hook(shop, body(1))
    at_noon(shop)
    ambassade.telegram = lambda _config: "@olgas_bot"
    result = ambassade("doctor")
    assert result.exit_code == 0, result.output
    for name in (
        "configuration",
        "database",
        "migrations",
        "clock",
        "telegram: @olgas_bot",
        "hooks webshop",
        "history",
        "cases: nobody would see a question",
    ):
        assert name in result.stdout
    for secret in ("secret", "12345:"):
        assert secret not in result.stdout


def test_the_doctor_fails_on_what_is_wrong_without_telling_the_token(ambassade: Commands) -> None:
    ambassade.shop()

    def refuses(_config: Any) -> str:
        raise RuntimeError("https://api.telegram.org/bot12345:olgas-secret-token/getMe: 401")

    ambassade.telegram = refuses
    result = ambassade("doctor", "--json")
    lines = {line["name"]: line["status"] for line in json.loads(result.stdout)}
    assert (result.exit_code, lines["telegram"], lines["database"]) == (1, "FAIL", "ok")
    assert "olgas-secret-token" not in result.output


def test_the_doctor_tells_of_a_database_that_is_not_there(tmp_path: Path) -> None:
    path = write_config(tmp_path / "config.toml", "sqlite:////no/such/folder/ambassade.db")
    result = Commands(path, Database.open("sqlite:///unused.db"))("doctor")
    assert result.exit_code == 1
    assert "FAIL database" in result.stdout


def test_help_is_quick_because_commands_load_what_they_need_when_they_run() -> None:
    """At most 0.3 s of processor time on the machine it was measured on; here with room for a slower one."""
    script = (
        "import typer; from referrals.cli import add_commands; app = typer.Typer(); add_commands(app); app(['--help'])"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", script], check=True, stdout=DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0
    loaded = "import sys; from referrals.cli import add_commands; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True, text=True).stdout.split()
    assert not {"sqlmodel", "sqlalchemy", "aiogram", "aiohttp", "alembic", "pydantic"} & set(modules)
