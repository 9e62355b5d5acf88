from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from referrals.config import ConfigError, load_config, parse_config
from tests.referrals.configs import LEAST, SHOP, faults_of, with_keys


def test_name_address_and_one_shop_are_enough() -> None:
    config = parse_config(LEAST)

    assert config.hold.days == 21
    assert config.attribution.evidence == ("voucher", "code", "sign_up", "click")
    assert config.bonus.ambassador.amount_minor == 1500
    assert config.bonus.friend.amount_minor is None
    assert config.shop("webshop") is config.shops[0]
    assert config.shop("market") is None


def test_nothing_at_all_names_what_is_required() -> None:
    assert faults_of({}) == ["programme is missing.", "shops is missing."]
    assert faults_of({"programme": {}, "shops": []})[:2] == [
        "programme.name is missing.",
        "programme.base_url is missing.",
    ]


WOO, APP = {"kind": "woocommerce"}, {"kind": "shopify"}
API = {"url": "https://shop.example"}
KEYS = {**API, "key": "ck", "secret": "cs"}


@pytest.mark.parametrize(
    "values,fault",
    [
        pytest.param({"telegram__tokn": "x"}, "telegram.tokn is unknown; telegram.token may be meant.", id="misspelt"),
        pytest.param(
            {"bonus__window_days": 3}, "bonus.window_days is unknown; there is attribution.window_days.", id="misplaced"
        ),
        pytest.param({"weather": 1}, "weather is unknown.", id="unheard of"),
        pytest.param({"hold__days": "21"}, "hold.days must be a whole number.", id="text for a number"),
        pytest.param({"hold__days": True}, "hold.days must be a whole number.", id="truth for a number"),
        pytest.param(
            {"hold__days": 10**11}, "hold.days is 100000000000, and must be at most 3650.", id="past the calendar"
        ),
        pytest.param({"hold__days": -1}, "hold.days is -1, and must be at least 0.", id="a day too few"),
        pytest.param({"hold": 21}, "hold must be a section, not a value.", id="value for a section"),
        pytest.param({"attribution__window_days": 0}, "attribution.window_days is 0, and must be at least 1.", id="0"),
        pytest.param(
            {"attribution__touch": "middle"}, "attribution.touch is none of 'last' or 'first'.", id="unknown choice"
        ),
        pytest.param(
            {"attribution__evidence": ["click", "click"]}, "attribution.evidence names something twice.", id="twice"
        ),
        pytest.param(
            {"programme__timezone": "Europe/Amsterdm"},
            "programme.timezone is unknown: 'Europe/Amsterdm' is no time zone; Europe/Amsterdam is one.",
            id="time zone",
        ),
        pytest.param(
            {"programme__timezone": "Europe"},
            "programme.timezone is unknown: 'Europe' is no time zone; Europe/Amsterdam is one.",
            id="a folder of time zones",
        ),
        pytest.param(
            {"programme__currency": "euro"},
            "programme.currency is unknown: 'euro' is no currency code of ISO 4217.",
            id="currency",
        ),
        pytest.param(
            {"programme__locale": "fr"}, "programme.locale is unknown: 'fr' is not one of nl, en.", id="locale"
        ),
        pytest.param(
            {"programme__base_url": "friends.example"},
            "programme.base_url is no address: it begins with https:// (or http://) and names a host.",
            id="address without a scheme",
        ),
        pytest.param(
            {"programme__base_url": "https://friends.example/?a=1"},
            "programme.base_url ends at the host or a path: ? and # have no place in it.",
            id="address with a query",
        ),
        pytest.param({"programme__name": " "}, "programme.name is empty.", id="an empty name"),
        pytest.param(
            {"bonus__ambassador__amount": 15},
            'bonus.ambassador.amount is an amount of money: write it as text, like "15.00".',
            id="number for an amount",
        ),
        pytest.param(
            {"bonus__ambassador__amount": "15.005"},
            "bonus.ambassador.amount is no amount of money: EUR has 2 decimals, and 15.005 has more.",
            id="part of a cent",
        ),
        pytest.param(
            {"bonus__ambassador__percent": "10 %", "bonus__ambassador__kind": "percent"},
            'bonus.ambassador.percent is no percentage: a percentage is written like "10" or "12.5", '
            "with at most two decimals.",
            id="a sign behind a percentage",
        ),
        pytest.param(
            {"cadence__quiet_from": "8pm"},
            'cadence.quiet_from is a time of day: write it as text, like "20:00".',
            id="hour",
        ),
        pytest.param(
            {"cadence__quiet_days": ["someday"]},
            'cadence.quiet_days[0] names no day: \'someday\'; "sunday", "12-25" and "2026-04-06" do.',
            id="day",
        ),
        pytest.param(
            {"web__trusted_proxies": ["proxy"]},
            "web.trusted_proxies[0] names no address or network: 'proxy'; 10.0.0.0/8 is one.",
            id="network",
        ),
        pytest.param({"web__port": 80800}, "web.port is 80800, and must be at most 65535.", id="port"),
        pytest.param(
            {"storage__url": "mysql://host/db"},
            'storage.url is no database: "sqlite:///ambassade.db" and "postgresql://user:password@host/name" are.',
            id="database",
        ),
        pytest.param({"shops__0__secrets": []}, "shops[0].secrets is a list of at least 1.", id="no secret"),
        pytest.param({"shops__0__name": "a/b"}, "shops[0].name holds letters, digits, - and _ only.", id="shop's name"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(values: dict[str, Any], fault: str) -> None:
    assert faults_of(with_keys(**values)) == [fault]


@pytest.mark.parametrize(
    "values,key",
    [
        pytest.param({"bonus__ambassador__kind": "percent"}, "bonus.ambassador.percent", id="percent without percent"),
        pytest.param({"bonus__ambassador__percent": "10"}, "bonus.ambassador.percent", id="fixed with percent"),
        pytest.param(
            {
                "bonus__ambassador__kind": "percent",
                "bonus__ambassador__percent": "10",
                "bonus__ambassador__amount": "1",
            },
            "bonus.ambassador.amount",
            id="percent with amount",
        ),
        pytest.param(
            {
                "bonus__ambassador__kind": "percent",
                "bonus__ambassador__percent": "10",
                "bonus__ambassador__when": "sign_up",
            },
            "bonus.ambassador.kind",
            id="percent of a sign-up",
        ),
        pytest.param({"bonus__ambassador__when": "nth_order"}, "bonus.ambassador.nth", id="which order is not said"),
        pytest.param({"bonus__ambassador__nth": 2}, "bonus.ambassador.nth", id="first order and second"),
        pytest.param({"bonus__ambassador__per_friend": 2}, "bonus.ambassador.per_friend", id="first order, and two"),
        pytest.param({"bonus__friend__kind": "percent"}, "bonus.friend.percent", id="friend's percent without percent"),
        pytest.param(
            {"bonus__milestones": [{"friends": 3, "amount": "1.00"}, {"friends": 3, "amount": "2.00"}]},
            "bonus.milestones",
            id="one milestone twice",
        ),
        pytest.param(
            {"cadence__quiet_from": "09:00", "cadence__quiet_until": "09:00"}, "cadence.quiet_until", id="no quiet hour"
        ),
        pytest.param({"cadence__per_week": 4}, "cadence.per_week", id="more a week than a month"),
        pytest.param({"telegram__mode": "webhook"}, "telegram.webhook_secret", id="webhook without secret"),
        pytest.param(
            {
                "telegram__mode": "webhook",
                "telegram__webhook_secret": "s",
                "programme__base_url": "http://friends.example",
            },
            "telegram.mode",
            id="webhook without https",
        ),
        pytest.param({"web__metrics_port": 8080}, "web.metrics_port", id="two listeners on one port"),
        pytest.param({"shops": [SHOP, SHOP]}, "shops[1].name", id="two shops of one name"),
        pytest.param({"shops": []}, "shops", id="no shop"),
        pytest.param({"tiers": [{"name": "Gold", "friends": 1}] * 2}, "tiers", id="two tiers of one name"),
        pytest.param({"shops__0__api": {"url": "https://shop.example"}}, "shops[0].api", id="api of a standard shop"),
        pytest.param({"shops": [{**SHOP, **WOO, "api": {**API, "key": "k"}}]}, "shops[0].api.secret", id="no secret"),
        pytest.param({"shops": [{**SHOP, **WOO, "api": {**KEYS, "token": "t"}}]}, "shops[0].api.token", id="token"),
        pytest.param({"shops": [{**SHOP, **APP, "api": {**API, "key": "k"}}]}, "shops[0].api.secret", id="half an app"),
        pytest.param({"shops": [{**SHOP, **APP, "api": {**KEYS, "token": "t"}}]}, "shops[0].api.token", id="two ways"),
        pytest.param(
            {"shops": [{**SHOP, **WOO, "api": {**KEYS, "url": "http://shop.example"}}]}, "shops[0].api.url", id="http"
        ),
        pytest.param(
            {"shops": [{**SHOP, **WOO, "api": {**KEYS, "url": "https://k:s@shop.example"}}]},
            "shops[0].api.url",
            id="user",
        ),
        pytest.param({"privacy__click_days": 29}, "privacy.click_days", id="clicks gone within the window"),
    ],
)
def test_keys_that_cannot_both_be_meant_are_named(values: dict[str, Any], key: str) -> None:
    (fault,) = faults_of(with_keys(**values))

    assert fault.startswith(f"{key} ")


def test_all_faults_come_at_once() -> None:
    faults = faults_of(with_keys(hold__days=-1, telegram__mode="webhook", programme__locale="fr", expiry__warn=[1]))

    assert [fault.split()[0] for fault in faults] == [
        "programme.locale",
        "telegram.webhook_secret",
        "hold.days",
        "expiry.warn",
    ]


def test_amounts_are_read_in_the_programmes_currency() -> None:
    yen = parse_config(with_keys(programme__currency="JPY", bonus__ambassador__amount="1500"))

    assert yen.bonus.ambassador.amount_minor == 1500
    assert yen.bonus.ambassador.min_order_minor == 25
    assert faults_of(with_keys(programme__currency="JPY", bonus__friend__amount="1.50")) == [
        "bonus.friend.amount is no amount of money: JPY has 0 decimals, and 1.50 has more."
    ]


def test_none_takes_a_limit_away_and_nought_is_a_limit() -> None:
    config = parse_config(
        with_keys(
            bonus__ambassador__max="none", bonus__ambassador__per_month="none", bonus__ambassador__budget_per_month="0"
        )
    )

    assert config.bonus.ambassador.max_minor is None
    assert config.bonus.ambassador.per_month is None
    assert config.bonus.ambassador.budget_per_month_minor == 0


def test_a_percentage_and_a_multiplier_become_basis_points() -> None:
    config = parse_config(
        with_keys(
            bonus__ambassador__kind="percent",
            bonus__ambassador__percent="12.5",
            tiers=[{"name": "Gold", "friends": 10, "multiplier": "1.25"}, {"name": "Start", "friends": 0}],
        )
    )

    assert config.bonus.ambassador.share_basis_points == 1250
    assert [tier.multiplier_basis_points for tier in config.tiers] == [12_500, 10_000]


def test_the_address_loses_its_last_slash() -> None:
    assert (
        parse_config(with_keys(programme__base_url="https://a.example/x/")).programme.base_url == "https://a.example/x"
    )


def test_the_bots_name_loses_its_at_sign() -> None:
    assert parse_config(with_keys(telegram__username="@olga_bot")).telegram.username == "olga_bot"


def test_a_click_is_kept_as_long_as_it_counts() -> None:
    assert parse_config(LEAST).click_days == 90
    assert parse_config(with_keys(attribution__window_days=120)).click_days == 120


@pytest.mark.parametrize(
    "server,real",
    [
        ("https://api.telegram.org", True),
        ("https://API.Telegram.org:443/", True),
        ("http://127.0.0.1:8081", False),
        ("https://api.telegram.org.mats.example", False),
    ],
)
def test_telegrams_own_server_is_known(server: str, real: bool) -> None:
    assert parse_config(with_keys(telegram__api_server=server)).telegram.is_real is real


def test_the_bot_role_needs_a_token() -> None:
    with pytest.raises(ConfigError, match=r"telegram\.token is missing"):
        parse_config(LEAST).require_bot()

    token = parse_config(with_keys(telegram__token="123:abc")).require_bot()

    assert token.get_secret_value() == "123:abc"


def test_secrets_are_never_shown() -> None:
    config = parse_config(
        with_keys(
            telegram__token="123:sesame",
            telegram__webhook_secret="sesame",
            storage__url="postgresql://olga:sesame@host/db",
            shops__0__secrets=["sesame"],
            shops__0__kind="woocommerce",
            shops__0__api={"url": "https://shop.example", "key": "sesame", "secret": "sesame"},
        )
    )

    assert "sesame" not in repr(config)
    assert "sesame" not in str(config)


@pytest.mark.parametrize(
    "values",
    [
        {"telegram__token": "sesame"},
        {"telegram__webhook_secret": "sesame!"},
        {"shops__0__secrets": "sesame"},
        {"storage__url": "mysql://olga:sesame@host/db"},
    ],
)
def test_a_fault_never_repeats_a_secret(values: dict[str, Any]) -> None:
    assert "sesame" not in "".join(faults_of(with_keys(**values)))


def test_a_file_is_read_with_its_own_times_and_dates(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[programme]\nname = "Olga’s shop"\nbase_url = "https://friends.example"\n'
        "[cadence]\nquiet_from = 21:30:00\nquiet_days = [2026-12-25, '12-26', 'Monday']\n"
        '[[shops]]\nkind = "standard"\nsecrets = ["s"]\nlanding_url = "https://shop.example"\n',
        encoding="utf-8",
    )

    config = load_config(path, {})

    assert config.cadence.quiet_from.isoformat() == "21:30:00"
    assert config.cadence.quiet_days == ("2026-12-25", "12-26", "monday")
    assert config.shops[0].name == "webshop"


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    missing, broken = tmp_path / "none.toml", tmp_path / "broken.toml"

    with pytest.raises(ConfigError, match=r"none\.toml: there is no such file; copy config\.example\.toml"):
        load_config(missing, {})
    for text in ("[programme\n", "x = " + "[" * 9999, "x = " + "9" * 9999):
        broken.write_text(text)
        with pytest.raises(ConfigError, match=r"broken\.toml: is no TOML"):
            load_config(broken, {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path, {})
