"""The section of a shop: who may send us hooks, and how we call it."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import model_validator

from referrals.settings import (
    Address,
    BaseAddress,
    Listed,
    Secret,
    Section,
    Text,
    contradiction,
    distinct,
    pattern,
)

SHOPIFY_VERSION = "2026-07"  # of its Admin API, where the configuration names none: the one that was tried
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
# What each kind of shop is called with, either of them; Shopify's key and secret are an app's, which get a token.
API_KEYS = {"woocommerce": (("key", "secret"),), "shopify": (("key", "secret"), ("token",))}
OPTIONAL_KEYS = {"woocommerce": (), "shopify": ("version",)}


class ShopApi(Section):
    """How we call the shop, for reconcile and vouchers; which keys count depends on its kind."""

    url: BaseAddress  # https, for a secret goes along; http only to this machine
    key: Secret | None = None
    secret: Secret | None = None
    token: Secret | None = None
    version: Annotated[Text, pattern(r"\d{4}-(01|04|07|10)", 'is a version like "2026-07"')] | None = None

    @model_validator(mode="after")
    def _secrets_travel_encrypted(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme != "https" and parts.hostname not in LOCAL_HOSTS:
            raise contradiction(("url", "begins with https://, for our key to the shop goes along"))
        if parts.username or parts.password:
            raise contradiction(("url", "holds a name or password; keys have keys of their own"))
        return self


class Shop(Section):
    """A webshop whose hooks we take; its name stands in the hook's path."""

    name: Annotated[Text, pattern(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", "holds letters, digits, - and _ only")] = "webshop"
    kind: Literal["woocommerce", "shopify", "standard"]
    secrets: Annotated[tuple[Secret, ...], Listed, distinct(lowest=1)]  # several while one replaces the other
    landing_url: Address
    api: ShopApi | None = None

    @model_validator(mode="after")
    def _an_api_has_the_keys_of_its_kind(self) -> Self:
        if self.api is None:
            return self
        if self.kind == "standard":
            raise contradiction(("api", 'does not go with kind = "standard": such a shop sends its orders itself'))
        given = {key for key in ("key", "secret", "token", "version") if getattr(self.api, key) is not None}
        faults = _faults_of_keys(self.kind, given)
        if faults:
            raise contradiction(*faults)
        return self


def _faults_of_keys(kind: str, given: set[str]) -> list[tuple[str, str]]:
    """What is missing from the way of calling that was begun, and what belongs to no or to another way."""
    ways = API_KEYS[kind]
    way = next((way for way in ways if given & {*way}), ways[0])
    known = {*way, *OPTIONAL_KEYS[kind]}
    others = " or ".join(" and ".join(each) for each in ways)
    faults = [(f"api.{key}", f'is missing, and kind = "{kind}" needs {others}') for key in way if key not in given]
    return faults + [
        (f"api.{key}", f'does not go with kind = "{kind}" and {" and ".join(way)}') for key in sorted(given - known)
    ]
