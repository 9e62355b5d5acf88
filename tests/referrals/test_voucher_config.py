"""``[vouchers]`` and ``[expiry]``: what does not go together is said at the start."""

from __future__ import annotations

from typing import Any

import pytest

from referrals.config import ConfigError, parse_config
from tests.referrals.configs import with_keys

API = {"url": "https://shop.example", "key": "ck", "secret": "cs"}


def shop(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "woocommerce", "secrets": ["s"], "landing_url": "https://shop.example/", **more}


@pytest.mark.parametrize(
    "keys, fault",
    [
        ({"vouchers__source": "shop"}, "vouchers.shop"),
        ({"vouchers__source": "shop", "shops": [shop("one", api=API), shop("two", api=API)]}, "vouchers.shop"),
        ({"vouchers__source": "shop", "vouchers__shop": "two", "shops": [shop("one", api=API), shop("two")]},
         "vouchers.shop"),
        ({"vouchers__source": "pool", "bonus__friend__personal": True, "bonus__friend__amount": "10.00"},
         "bonus.friend.personal"),
        ({"expiry__credit_days": 30}, "expiry.warn_days"),
        ({"expiry__credit_days": 0}, "expiry.credit_days"),
    ],
    ids=["no api", "two apis", "the other shop", "gifts that no shop knows", "warned before it is there", "no days"],
)  # fmt: skip
def test_what_does_not_go_together_is_named(keys: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_config(with_keys(**keys), {})
    assert [line.split(" ")[0] for line in refused.value.faults] == [fault]


def test_the_only_shop_with_an_api_needs_no_name_and_credit_may_never_end() -> None:
    shops = [shop("one"), shop("two", api=API)]
    config = parse_config(with_keys(vouchers__source="shop", expiry__credit_days="none", shops=shops), {})
    assert (config.voucher_shop, config.expiry.credit_days) == ("two", None)
