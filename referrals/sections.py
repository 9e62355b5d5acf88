"""The sections of ``config.toml`` and their keys.

Amounts are written in whole units of the programme's currency and kept in minor units, percentages
are kept in basis points: the attribute's name says so, its alias is the key in the file.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from referrals.settings import (
    LONGEST_DAYS,
    Address,
    Amount,
    BaseAddress,
    Colour,
    Count,
    CountLimit,
    Currency,
    DatabaseUrl,
    DaysLimit,
    Flag,
    Limit,
    Listed,
    Locale,
    Multiplier,
    Network,
    Percentage,
    Points,
    PointsLimit,
    Port,
    Positive,
    QuietDay,
    Secret,
    Section,
    Text,
    TimeOfDay,
    Username,
    Whole,
    Zone,
    at_most,
    contradiction,
    distinct,
    pattern,
)

TELEGRAM_HOST = "telegram.org"

KindOfEvidence = Literal["voucher", "code", "sign_up", "click", "email", "spoken_name"]


class ProgrammeSettings(Section):
    """Whose programme it is, and in which language, time and money it thinks."""

    name: Text
    locale: Locale = "nl"
    timezone: Zone = "Europe/Amsterdam"
    currency: Currency = "EUR"
    base_url: BaseAddress  # without a slash at its end
    contact: Text | None = None
    terms_url: Address | None = None
    logo: Text | None = None  # an address or a file
    colour: Colour | None = None
    no_history: Flag = False  # a new shop: nobody can be an existing customer (rules 13)


class StorageSettings(Section):
    """Where everything is kept."""

    url: DatabaseUrl = Field(default="sqlite:///ambassade.db", repr=False)  # it may hold a password


class WebSettings(Section):
    """Where the web door listens."""

    host: Text = "127.0.0.1"
    port: Port = 8080
    metrics_port: Port = 0  # 0: no metrics
    trusted_proxies: Annotated[tuple[Network, ...], Listed, distinct()] = ()

    @model_validator(mode="after")
    def _two_listeners(self) -> Self:
        if self.metrics_port and self.metrics_port == self.port:
            raise contradiction(("metrics_port", "is the same as port; the metrics have a listener of their own"))
        return self


class TelegramSettings(Section):
    """The bot."""

    token: Annotated[Secret, pattern(r"\d+:\S+", "is no bot token: digits, a colon, the rest")] | None = None
    username: Annotated[Username, pattern(r"\w{1,64}", "is a name like ambassade_bot")] | None = None
    api_server: BaseAddress = "https://api.telegram.org"
    mode: Literal["polling", "webhook"] = "polling"
    webhook_secret: Annotated[Secret, pattern(r"[\w-]{1,256}", "holds letters, digits, _ and - only")] | None = None
    owner_ids: Annotated[tuple[Positive, ...], Listed, distinct()] = ()
    staff_chat_id: Whole | None = None  # groups have numbers below nought

    @property
    def is_real(self) -> bool:
        """Whether the API server is Telegram's own, so that nothing may be pretended."""
        host = urlsplit(self.api_server).hostname or ""
        return host == TELEGRAM_HOST or host.endswith("." + TELEGRAM_HOST)

    @model_validator(mode="after")
    def _a_webhook_is_secret(self) -> Self:
        if self.mode == "webhook" and self.webhook_secret is None:
            raise contradiction(("webhook_secret", 'is missing, and mode = "webhook" needs it'))
        return self


class Attribution(Section):
    """Who brought whom."""

    window_days: Annotated[Positive, at_most(LONGEST_DAYS)] = 30
    touch: Literal["last", "first"] = "last"
    evidence: Annotated[tuple[KindOfEvidence, ...], Listed, distinct(lowest=1)] = (
        "voucher",
        "code",
        "sign_up",
        "click",
    )


class _Bonus(Section):
    """What both bonuses have: an amount or a percentage."""

    kind: Literal["fixed", "percent", "gift"]
    amount_minor: Amount | None
    share_basis_points: Points | None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        faults = []
        if self.kind == "percent":
            if self.share_basis_points is None:
                faults.append(("percent", 'is missing, and kind = "percent" needs it'))
            if "amount_minor" in self.model_fields_set:
                faults.append(("amount", 'does not go with kind = "percent"'))
        elif self.share_basis_points is not None:
            faults.append(("percent", f'does not go with kind = "{self.kind}"'))
        if faults:
            raise contradiction(*faults)
        return self


class AmbassadorBonus(_Bonus):
    """What an ambassador earns for a friend."""

    when: Literal["first_order", "every_order", "nth_order", "sign_up"] = "first_order"
    nth: Positive | None = None  # which order of a friend earns, for when = "nth_order"
    kind: Literal["fixed", "percent"] = "fixed"
    amount_minor: Amount = Field(default="15.00", alias="amount", validate_default=True)
    share_basis_points: Points | None = Field(default=None, alias="percent")
    max_minor: Limit = Field(default="50.00", alias="max", validate_default=True)  # of one percent bonus
    min_order_minor: Amount = Field(default="25.00", alias="min_order", validate_default=True)
    per_friend: CountLimit = None  # bonuses for the orders of one friend; None: no limit
    per_month: CountLimit = 10  # bonuses an ambassador and local month; None: no limit
    budget_per_month_minor: Limit = Field(default="1000.00", alias="budget_per_month", validate_default=True)

    @model_validator(mode="after")
    def _the_moment_fits(self) -> Self:
        faults = []
        if self.when == "sign_up" and self.kind == "percent":
            faults.append(("kind", 'is "percent", and a sign_up has no order to take it of'))
        if self.when == "nth_order" and self.nth is None:
            faults.append(("nth", 'is missing, and when = "nth_order" needs it'))
        if self.when != "nth_order" and self.nth is not None:
            faults.append(("nth", f'goes with when = "nth_order", and when is "{self.when}"'))
        if self.when != "every_order" and self.per_friend is not None:
            faults.append(("per_friend", f'goes with when = "every_order", and when is "{self.when}"'))
        if faults:
            raise contradiction(*faults)
        return self


class FriendBonus(_Bonus):
    """What the friend gets; in its first form the ambassador's code is a coupon of the shop (rules 10)."""

    kind: Literal["fixed", "percent", "gift"] = "fixed"
    amount_minor: Amount | None = Field(default=None, alias="amount")
    share_basis_points: Points | None = Field(default=None, alias="percent")
    max_minor: Amount = Field(default="50.00", alias="max", validate_default=True)  # of a personal percentage
    gift: Text | None = None  # in words, for kind = "gift"
    sku: Text | None = None  # of the gift, for the shop
    stock: Count | None = None  # pieces there are in all; None: not counted
    min_order_minor: Amount = Field(default="0.00", alias="min_order", validate_default=True)
    valid_days: Annotated[Positive, at_most(LONGEST_DAYS)] = 30
    personal: Flag = False  # each friend gets a code of their own at sign-up

    @model_validator(mode="after")
    def _a_personal_gift_says_what_it_is(self) -> Self:
        faults = []
        if self.personal and self.kind == "fixed" and not self.amount_minor:
            faults.append(("amount", "is missing, and personal = true needs it"))
        if self.personal and self.kind == "gift":
            needed = [name for name in ("gift", "sku") if getattr(self, name) is None]
            faults += [(name, 'is missing, and a personal gift of kind = "gift" needs it') for name in needed]
        if self.kind != "gift" and self.stock is not None:
            faults.append(("stock", f'does not go with kind = "{self.kind}"'))
        if faults:
            raise contradiction(*faults)
        return self


class Milestone(Section):
    """An extra for so many approved friends."""

    friends: Positive
    amount_minor: Amount = Field(alias="amount")
    repeat: Flag = False  # again for each further so many


class Bonus(Section):
    """What is earned."""

    # The most that both sides together come to, of what is kept of the order; None: no limit.
    most_basis_points: PointsLimit = Field(default=None, alias="max_percent_of_order")
    ambassador: AmbassadorBonus = Field(default={}, validate_default=True)
    friend: FriendBonus = Field(default={}, validate_default=True)
    milestones: Annotated[tuple[Milestone, ...], Listed] = ()

    @model_validator(mode="after")
    def _each_milestone_once(self) -> Self:
        friends = [milestone.friends for milestone in self.milestones]
        if len(set(friends)) < len(friends):
            raise contradiction(("milestones", "names the same number of friends twice"))
        return self


class Tier(Section):
    """A level of ambassador, from so many approved friends."""

    name: Text
    friends: Count
    multiplier_basis_points: Multiplier = Field(default="1.0", alias="multiplier", validate_default=True)
    benefits: Annotated[tuple[Text, ...], Listed] = ()


class Hold(Section):
    """The wait before a bonus becomes available."""

    days: Annotated[Count, at_most(LONGEST_DAYS)] = 21  # local calendar days from payment


class Expiry(Section):
    """How long what was earned stays good."""

    voucher_days: Positive = 180
    credit_days: DaysLimit = 365  # None: credit never ends
    warn_days: Annotated[tuple[Positive, ...], Listed, distinct()] = (30, 7)

    @model_validator(mode="after")
    def _warned_while_it_stands(self) -> Self:
        if self.credit_days is not None and max(self.warn_days, default=0) >= self.credit_days:
            raise contradiction(("warn_days", f"warns {max(self.warn_days)} days before an end after credit_days"))
        return self


class Vouchers(Section):
    """Whose codes the vouchers are."""

    source: Literal["own", "pool", "shop"] = "own"
    shop: Text | None = None  # where they are created; the only shop with an api, unless it says which
    pool_low: Count = 5  # codes of one worth left at which the owners hear of it
    stackable_with: Annotated[tuple[Literal["credit", "gift"], ...], Listed, distinct()] = ()  # together on one order


class Surveys(Section):
    """When a score is asked."""

    nps_after_delivery_days: Count = 7
    assume_delivery_days: Count = 3
    min_days_between: Count = 90
    sample_percent: Percentage = 100


class Cadence(Section):
    """How often, and when, anybody is written to unasked."""

    quiet_from: TimeOfDay = Field(default="20:00", validate_default=True)  # the customer's own time
    quiet_until: TimeOfDay = Field(default="09:00", validate_default=True)
    quiet_days: Annotated[tuple[QuietDay, ...], Listed, distinct()] = ("sunday",)
    per_week: Count = 1
    per_month: Count = 3
    referral_ask_days: Positive = 30
    holdout_percent: Percentage = 10

    @model_validator(mode="after")
    def _quiet_hours_have_a_length(self) -> Self:
        faults = []
        if self.quiet_from == self.quiet_until:
            faults.append(("quiet_until", "is the same as quiet_from: is that no hour or every hour?"))
        if self.per_week > self.per_month:
            faults.append(("per_week", f"is {self.per_week}, more than per_month allows ({self.per_month})"))
        if faults:
            raise contradiction(*faults)
        return self


class Asking(Section):
    """Who may be asked to bring friends."""

    min_tenure_days: Count = 60
    min_orders: Count = 2


class References(Section):
    """Who may be asked for a reference, and how long it stands."""

    min_tenure_days: Count = 180
    ask_every_days: Positive = 180
    after_no_days: Positive = 365
    valid_months: Positive = 24


class Privacy(Section):
    """How long what is personal is kept."""

    inbox_days: Positive = 30
    click_days: Positive = 90
    message_days: Positive = 365
    ledger_years: Positive = 7


class Webhooks(Section):
    """Whom we tell over HTTP; the endpoints themselves are made through the API."""

    private_hosts: Annotated[
        tuple[Annotated[Text, pattern(r"\[?[\w.:-]+\]?", "is a host, or host:port, without https://")], ...],
        Listed,
        distinct(),
    ] = ()
    failing_days: Positive = 5
