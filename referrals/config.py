"""The configuration: every key typed, validated at the start, frozen afterwards.

``load_config`` reads ``config.toml`` and the environment; ``parse_config`` takes the same as plain
data. Whatever is wrong comes back at once, as one ``ConfigError`` with a readable line a fault.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, ValidationError, model_validator

from referrals.campaigns import Campaign, disagreements
from referrals.config_faults import readable_faults
from referrals.environment import with_environment
from referrals.fraud import Fraud
from referrals.money import EXPONENTS
from referrals.sections import (
    Asking,
    Attribution,
    Bonus,
    Cadence,
    Expiry,
    Hold,
    Privacy,
    ProgrammeSettings,
    References,
    StorageSettings,
    Surveys,
    TelegramSettings,
    Tier,
    Vouchers,
    Webhooks,
    WebSettings,
)
from referrals.settings import Listed, Section, contradiction
from referrals.shop_settings import Shop


class ConfigError(Exception):
    """The configuration cannot be used; ``faults`` has a line for each reason, naming its key."""

    def __init__(self, faults: list[str]) -> None:
        """Keep the lines in the order of the keys."""
        super().__init__("\n".join(faults))
        self.faults = faults


class Config(Section):
    """All sections; those that the file leaves out have their defaults."""

    programme: ProgrammeSettings
    storage: StorageSettings = Field(default={}, validate_default=True)
    web: WebSettings = Field(default={}, validate_default=True)
    telegram: TelegramSettings = Field(default={}, validate_default=True)
    shops: Annotated[tuple[Shop, ...], Listed]
    attribution: Attribution = Field(default={}, validate_default=True)
    bonus: Bonus = Field(default={}, validate_default=True)
    campaigns: Annotated[tuple[Campaign, ...], Listed] = ()
    tiers: Annotated[tuple[Tier, ...], Listed] = ()
    hold: Hold = Field(default={}, validate_default=True)
    expiry: Expiry = Field(default={}, validate_default=True)
    vouchers: Vouchers = Field(default={}, validate_default=True)
    surveys: Surveys = Field(default={}, validate_default=True)
    cadence: Cadence = Field(default={}, validate_default=True)
    asking: Asking = Field(default={}, validate_default=True)
    references: References = Field(default={}, validate_default=True)
    privacy: Privacy = Field(default={}, validate_default=True)
    fraud: Fraud = Field(default={}, validate_default=True)
    webhooks: Webhooks = Field(default={}, validate_default=True)

    @property
    def click_days(self) -> int:
        """Days that a click is kept: as long as it can still bring somebody."""
        return max(self.privacy.click_days, self.attribution.window_days)

    def shop(self, name: str) -> Shop | None:
        """The shop of this name."""
        return next((shop for shop in self.shops if shop.name == name), None)

    @property
    def voucher_shop(self) -> str:
        """The shop in which vouchers are created; empty where there is none, or nothing says which."""
        callable_ones = [shop.name for shop in self.shops if shop.api is not None]
        if self.vouchers.shop is not None:
            return self.vouchers.shop if self.vouchers.shop in callable_ones else ""
        return callable_ones[0] if len(callable_ones) == 1 else ""

    def require_bot(self) -> SecretStr:
        """The bot's token, for the role that speaks.

        Raises:
            ConfigError: there is none.
        """
        if self.telegram.token is None:
            raise ConfigError(["telegram.token is missing, and the bot role needs it (BotFather gives one)."])
        return self.telegram.token

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        faults = list(_disagreements(self))
        if faults:
            raise contradiction(*faults)
        return self


def load_config(path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration of this file, with what the environment says instead.

    Raises:
        ConfigError: it cannot be read or used.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        data = {}
        if not with_environment(data, environ).data:
            raise ConfigError(
                [f"{path}: there is no such file; copy config.example.toml to it and fill in what is required."]
            ) from None
    except (ValueError, RecursionError) as error:  # numbers and brackets without end are no TOMLDecodeError
        raise ConfigError([f"{path}: is no TOML: {error}."]) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}."]) from None
    return parse_config(data, environ)


def parse_config(data: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Config:
    """The configuration that this plain data says, as it would stand in the file.

    Raises:
        ConfigError: it cannot be used.
    """
    merged = with_environment(data, environ or {})
    try:
        config = Config.model_validate(merged.data, context={"currency": _currency(merged.data)})
    except ValidationError as error:
        raise ConfigError(merged.faults + readable_faults(error, Config, merged.names)) from None
    if merged.faults:
        raise ConfigError(merged.faults)
    return config


def _currency(data: Mapping[str, Any]) -> str:
    """The currency that amounts are read in; a wrong one is reported under its own key."""
    programme = data.get("programme")
    currency = programme.get("currency") if isinstance(programme, Mapping) else None
    return currency if isinstance(currency, str) and currency in EXPONENTS else "EUR"


def _disagreements(config: Config) -> list[tuple[str, str]]:
    """What one section says against another."""
    faults = []
    if not config.shops:
        faults.append(("shops", "is missing: there is at least one [[shops]]"))
    for place, shop in enumerate(config.shops):
        if shop.name in {earlier.name for earlier in config.shops[:place]}:
            faults.append((f"shops[{place}].name", f"is {shop.name!r}, and another shop is called that"))
    names = [tier.name for tier in config.tiers]
    if len(set(names)) < len(names):
        faults.append(("tiers", "has two tiers of one name"))
    faults += disagreements(config.campaigns, config.bonus.ambassador.when)
    if "click_days" in config.privacy.model_fields_set and config.privacy.click_days < config.attribution.window_days:
        faults.append(("privacy.click_days", "ends before attribution.window_days, in which a click still counts"))
    if config.vouchers.source == "shop" and not config.voucher_shop:
        faults.append(("vouchers.shop", 'names no shop with an api, and source = "shop" needs one'))
    if config.vouchers.source != "own" and config.bonus.friend.personal:
        source = f'vouchers.source = "{config.vouchers.source}"'
        faults.append(("bonus.friend.personal", f"is true, and with {source} no shop would know a friend's code"))
    if _is_plain_webhook(config):
        faults.append(("telegram.mode", 'is "webhook", and Telegram calls only https: see programme.base_url'))
    return faults


def _is_plain_webhook(config: Config) -> bool:
    telegram = config.telegram
    return telegram.is_real and telegram.mode == "webhook" and config.programme.base_url.startswith("http://")
