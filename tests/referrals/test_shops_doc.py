"""What docs/shops.md tells an owner to type is what the programme takes."""

from __future__ import annotations

import re
import textwrap
import tomllib
from pathlib import Path

from referrals.config import parse_config
from referrals.landing import landing_address
from referrals.recruiting.shops import OrderState
from referrals.recruiting.shops.registry import ADAPTERS

TEXT = (Path(__file__).parents[2] / "docs" / "shops.md").read_text(encoding="utf-8")
PROGRAMME = {"programme": {"name": "Winkel", "base_url": "https://friends.example"}}


def test_every_section_of_configuration_loads() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    sections = [tomllib.loads(textwrap.dedent(block)) for block in blocks]
    shops = [parse_config(PROGRAMME | section).shops[0] for section in sections]

    assert [shop.kind for shop in shops] == ["woocommerce", "woocommerce", "shopify", "shopify", "shopify"]
    assert {shop.kind for shop in shops} < ADAPTERS.keys()


def test_a_discount_link_brings_code_and_click_along() -> None:
    (landing,) = re.findall(r'"(https://\S+/discount/\S+)"', TEXT)

    url = landing_address(landing).url("ANNA7K3Q", "c1")

    assert url == "https://shop.example/discount/ANNA7K3Q?redirect=/%3Fref%3DANNA7K3Q&ref=ANNA7K3Q&click=c1"


def test_the_delivery_by_hand_is_a_test_order() -> None:
    (body,) = re.findall(r"BODY='(.*)'", TEXT)

    state = ADAPTERS["shopify"].read("webshop", {}, body.encode())

    assert isinstance(state, OrderState)
    assert (state.id, state.status, state.test) == ("1", "paid", True)
