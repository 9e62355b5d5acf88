"""Campaigns: another offer for a while, and after it the standing one again.

Its times are the shop's local ones. Nobody is told that time is short; what is said is until when it holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from referrals.sections import AmbassadorBonus, FriendBonus
from referrals.settings import Amount, Points, Section, Text, contradiction, wrong

if TYPE_CHECKING:
    from referrals.config import Config

LOCAL = 'is a local day or time: write "2026-12-05" or "2026-12-05 18:00"'


def _local(value: Any) -> datetime | date:
    """What TOML or text says, without a zone: the programme's own is meant."""
    try:
        read = value if isinstance(value, date) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise wrong(LOCAL) from error
    if isinstance(read, datetime) and read.tzinfo is not None:
        raise wrong(LOCAL)
    is_day = not isinstance(read, datetime) or (isinstance(value, str) and len(value) == len("2026-12-05"))
    return read.date() if is_day and isinstance(read, datetime) else read


def _first(value: Any) -> datetime:
    read = _local(value)
    return read if isinstance(read, datetime) else datetime.combine(read, time())


def _end(value: Any) -> datetime:
    """A day counts whole: it ends where the next one begins."""
    read = _local(value)
    return read if isinstance(read, datetime) else datetime.combine(read + timedelta(days=1), time())


class CampaignAmbassador(Section):
    """What an ambassador earns meanwhile; what is left out is as it always is."""

    amount_minor: Amount | None = Field(default=None, alias="amount")
    share_basis_points: Points | None = Field(default=None, alias="percent")
    max_minor: Amount | None = Field(default=None, alias="max")
    min_order_minor: Amount | None = Field(default=None, alias="min_order")


class CampaignFriend(Section):
    """What a friend gets meanwhile; what is left out is as it always is."""

    amount_minor: Amount | None = Field(default=None, alias="amount")
    share_basis_points: Points | None = Field(default=None, alias="percent")
    gift: Text | None = None
    min_order_minor: Amount | None = Field(default=None, alias="min_order")


class Campaign(Section):
    """Another offer, from the one moment until the other, for the orders that are made in between."""

    name: Text
    since: Annotated[datetime, BeforeValidator(_first)] = Field(alias="from")
    until: Annotated[datetime, BeforeValidator(_end)]
    ambassador: CampaignAmbassador = Field(default={}, validate_default=True)
    friend: CampaignFriend = Field(default={}, validate_default=True)

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        faults = []
        if self.until <= self.since:
            faults.append(("until", "is not after from"))
        if self.ambassador.amount_minor is not None and self.ambassador.share_basis_points is not None:
            faults.append(("ambassador.percent", "does not go with an amount"))
        kinds = (self.friend.amount_minor, self.friend.share_basis_points, self.friend.gift)
        if sum(kind is not None for kind in kinds) > 1:
            faults.append(("friend", "names more than one of amount, percent and gift"))
        if not self.ambassador.model_fields_set and not self.friend.model_fields_set:
            faults.append(("ambassador", "and friend say nothing, so the campaign changes nothing"))
        if faults:
            raise contradiction(*faults)
        return self


@dataclass(frozen=True, slots=True)
class Offer:
    """What both sides get at a moment, and the campaign that says so."""

    ambassador: AmbassadorBonus
    friend: FriendBonus
    campaign: Campaign | None = None

    @property
    def ambassador_until(self) -> date | None:
        """The last day of what the ambassador gets, where a campaign changes that."""
        return last_day(self.campaign) if self.campaign and self.campaign.ambassador.model_fields_set else None

    @property
    def friend_until(self) -> date | None:
        """The last day of what the friend gets, where a campaign changes that."""
        return last_day(self.campaign) if self.campaign and self.campaign.friend.model_fields_set else None


def bounds(campaign: Campaign, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Its first moment, and the first one after it; of a local time that comes twice, so that it holds longest."""
    since = campaign.since.replace(tzinfo=zone, fold=0)
    until = campaign.until.replace(tzinfo=zone, fold=1)
    return since.astimezone(UTC), until.astimezone(UTC)


def last_day(campaign: Campaign) -> date:
    """The last local day on which it holds."""
    return (campaign.until - timedelta(microseconds=1)).date()


def ambassador_of(standing: AmbassadorBonus, campaign: Campaign) -> AmbassadorBonus:
    """What an ambassador earns during the campaign."""
    said = campaign.ambassador
    limits = ("max_minor", "min_order_minor")
    changed: dict[str, Any] = {name: getattr(said, name) for name in limits if getattr(said, name) is not None}
    if said.amount_minor is not None:
        changed |= {"kind": "fixed", "amount_minor": said.amount_minor, "share_basis_points": None}
    elif said.share_basis_points is not None:
        changed |= {"kind": "percent", "share_basis_points": said.share_basis_points}
    return standing.model_copy(update=changed)


def friend_of(standing: FriendBonus, campaign: Campaign) -> FriendBonus:
    """What a friend gets during the campaign."""
    said = campaign.friend
    changed: dict[str, Any] = {}
    if said.min_order_minor is not None:
        changed["min_order_minor"] = said.min_order_minor
    for kind, name in (("fixed", "amount_minor"), ("percent", "share_basis_points"), ("gift", "gift")):
        if getattr(said, name) is not None:
            none = {"amount_minor": None, "share_basis_points": None, "gift": None}
            changed |= none | {"kind": kind, name: getattr(said, name)}
    return standing.model_copy(update=changed)


def offer_at(config: Config, moment: datetime | None) -> Offer:
    """What both sides get for an order that is made at this moment; without one, the standing offer."""
    bonus, zone = config.bonus, ZoneInfo(config.programme.timezone)
    for campaign in config.campaigns if moment is not None else ():
        since, until = bounds(campaign, zone)
        if moment is not None and since <= moment < until:
            return Offer(ambassador_of(bonus.ambassador, campaign), friend_of(bonus.friend, campaign), campaign)
    return Offer(bonus.ambassador, bonus.friend)


def disagreements(campaigns: Sequence[Campaign], when: str) -> Iterator[tuple[str, str]]:
    """What campaigns say against one another, and against the moment at which a bonus is earned."""
    names = [campaign.name for campaign in campaigns]
    if len(set(names)) < len(names):
        yield "campaigns", "has two campaigns of one name"
    in_turn = sorted(campaigns, key=lambda campaign: campaign.since)
    for earlier, later in pairwise(in_turn):
        if later.since < earlier.until:
            yield "campaigns", f"overlap: {later.name!r} begins before {earlier.name!r} ends"
    if when == "sign_up" and any(campaign.ambassador.share_basis_points for campaign in campaigns):
        yield "campaigns", "give a percentage, and a sign_up has no order to take it of"
