from __future__ import annotations

from pathlib import Path

from referrals.config import load_config, parse_config
from tests.referrals.configs import LEAST, faults_of, with_keys


def test_the_environment_wins_and_is_read_as_what_its_key_asks_for() -> None:
    config = parse_config(
        with_keys(hold__days=3),
        {
            "AMBASSADE_PROGRAMME__NAME": "42",
            "AMBASSADE_PROGRAMME__NO_HISTORY": "true",
            "AMBASSADE_TELEGRAM__TOKEN": "123:abc",
            "AMBASSADE_TELEGRAM__OWNER_IDS": "11, 12",
            "AMBASSADE_TELEGRAM__STAFF_CHAT_ID": "-100",
            "AMBASSADE_HOLD__DAYS": "14",
            "AMBASSADE_BONUS__AMBASSADOR__AMOUNT": "12.50",
            "AMBASSADE_BONUS__AMBASSADOR__PER_MONTH": "none",
            "AMBASSADE_SHOPS__0__SECRETS": '["old, one", "new"]',
            "AMBASSADE_SHOPS__1__NAME": "market",
            "AMBASSADE_SHOPS__1__KIND": "shopify",
            "AMBASSADE_SHOPS__1__SECRETS__0": "third",
            "AMBASSADE_SHOPS__1__LANDING_URL": "https://market.example",
            "AMBASSADE_CONFIG": "elsewhere.toml",
            "AMBASSADE_WEB__PORT": "",
            "OTHER__HOLD__DAYS": "1",
        },
    )

    assert config.programme.name == "42"
    assert config.programme.no_history is True
    assert config.telegram.owner_ids == (11, 12)
    assert config.telegram.staff_chat_id == -100
    assert config.hold.days == 14
    assert config.bonus.ambassador.amount_minor == 1250
    assert config.bonus.ambassador.per_month is None
    assert [secret.get_secret_value() for secret in config.shops[0].secrets] == ["old, one", "new"]
    assert [shop.name for shop in config.shops] == ["webshop", "market"]
    assert config.web.port == 8080


def test_a_fault_from_the_environment_names_the_variable() -> None:
    environ = {
        "AMBASSADE_HOLD__DAYS": "a week",
        "AMBASSADE_SHOPS__7__NAME": "far",
        "AMBASSADE_WEB__POTR": "1",
        "AMBASSADE_PROGRAMME__NAME__FIRST": "x",
    }

    assert sorted(faults_of(LEAST, environ)) == [
        "AMBASSADE_PROGRAMME__NAME__FIRST: names no place in the configuration.",
        "AMBASSADE_SHOPS__7__NAME: names no place in the configuration.",
        "hold.days (AMBASSADE_HOLD__DAYS) must be a whole number.",
        "web.potr (AMBASSADE_WEB__POTR) is unknown; web.port may be meant.",
    ]


def test_the_file_is_left_as_it_was_given() -> None:
    data = with_keys(hold__days=3)

    parse_config(data, {"AMBASSADE_HOLD__DAYS": "14"})

    assert data == with_keys(hold__days=3)


def test_the_environment_can_be_all_there_is(tmp_path: Path) -> None:
    environ = {
        "AMBASSADE_PROGRAMME__NAME": "Olga's shop",
        "AMBASSADE_PROGRAMME__BASE_URL": "https://friends.example",
        "AMBASSADE_SHOPS__0__KIND": "standard",
        "AMBASSADE_SHOPS__0__SECRETS": "s",
        "AMBASSADE_SHOPS__0__LANDING_URL": "https://shop.example",
    }

    assert load_config(tmp_path / "none.toml", environ).programme.name == "Olga's shop"
