"""The terms: the bonus rules in force when an order was made, pinned by the hash of their content (rules 3)."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from referrals.campaigns import ambassador_of, bounds, friend_of
from storage import orders
from storage.bulk import fetch_all, fetch_in, insert_rows
from storage.columns import to_json, to_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlmodel import Session

    from referrals.campaigns import Campaign
    from referrals.config import Config
    from referrals.programme import Programme
    from referrals.sections import FriendBonus

FIRST_ORDER, EVERY_ORDER, NTH_ORDER, SIGN_UP = "first_order", "every_order", "nth_order", "sign_up"
FIXED, PERCENT = "fixed", "percent"
ID_LENGTH = 32
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Milestone:
    """An extra for so many approved friends; one that repeats, for each so many."""

    friends: int
    amount_minor: int
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class CampaignTerms:
    """Another bonus for orders made from the one moment until the other, both as text in UTC."""

    name: str
    since: str
    until: str
    kind: str
    amount_minor: int
    share_basis_points: int
    max_minor: int | None
    min_order_minor: int
    gift_minor: int = 0
    gift_basis_points: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What an ambassador gets. Amounts in minor units of ``currency``; None: no limit."""

    when: str  # first_order, every_order, nth_order, sign_up
    kind: str  # fixed, percent
    currency: str
    amount_minor: int  # fixed
    share_basis_points: int  # percent
    max_minor: int | None  # of a percent bonus
    min_order_minor: int
    per_month: int | None  # bonuses an ambassador a local month
    budget_minor: int | None  # a local month, all ambassadors
    hold_days: int
    window_days: int
    # What came later has a default, which is left out of what is stored: older terms keep their hash.
    milestones: tuple[Milestone, ...] = ()
    nth: int = 0  # which order of a friend earns, for nth_order
    per_friend: int | None = None  # bonuses for one friend's orders
    most_basis_points: int | None = None  # of what is kept: what both sides come to together
    gift_minor: int = 0  # what the friend gets, where that counts for the line above
    gift_basis_points: int = 0
    campaigns: tuple[CampaignTerms, ...] = ()
    campaign: str = ""  # whose terms these are, and the id of the standing ones beside it
    beside: str = ""
    id: str = ""  # a hash of the rest and of the day since when it holds

    def milestone(self, friends: int) -> int:
        """The extra for having just so many friends, in minor units; 0 where there is none."""
        once = [each.amount_minor for each in self.milestones if not each.repeats and each.friends == friends]
        again = [each.amount_minor for each in self.milestones if each.repeats and friends % each.friends == 0]
        return next(iter([*once, *again]), 0)


CONTENT = tuple(part for part in fields(Terms) if part.name != "id")


@dataclass(frozen=True, slots=True)
class TermsBook:
    """All standing terms there have been, oldest first; ``known`` are all, also those of campaigns."""

    rows: Sequence[tuple[datetime, Terms]]
    known: Mapping[str, Terms]

    def in_force(self, moment: datetime) -> Terms:
        """The terms at a moment; the first hold for everything before them.

        A campaign holds between its own times, also where the programme heard of it afterwards.
        """
        standing = max((place for place, (since, _) in enumerate(self.rows) if since <= moment), default=0)
        at = to_text(moment)
        for _, terms in self.rows[standing:]:
            for campaign in terms.campaigns:
                if campaign.since <= at < campaign.until:
                    return self.known[during(terms, campaign).id]
        return self.rows[standing][1]

    @property
    def latest(self) -> Terms:
        """The standing terms that the configuration says, also where the programme's clock was put back."""
        return self.rows[-1][1]

    def by_id(self, terms_id: str) -> Terms:
        """The terms that were pinned."""
        return self.known[terms_id]


def configured_terms(config: Config) -> Terms:
    """The terms that the configuration says now, without their hash."""
    rule, gift = config.bonus.ambassador, _gift(config, config.bonus.friend)
    return Terms(
        when=rule.when,
        kind=rule.kind,
        currency=config.programme.currency,
        amount_minor=rule.amount_minor or 0,
        share_basis_points=rule.share_basis_points or 0,
        max_minor=rule.max_minor,
        min_order_minor=rule.min_order_minor or 0,
        per_month=rule.per_month,
        budget_minor=rule.budget_per_month_minor,
        hold_days=config.hold.days,
        window_days=config.attribution.window_days,
        milestones=tuple(
            Milestone(each.friends, each.amount_minor, each.repeat)
            for each in sorted(config.bonus.milestones, key=lambda each: each.friends)
        ),
        nth=rule.nth or 0,
        per_friend=rule.per_friend,
        most_basis_points=config.bonus.most_basis_points,
        gift_minor=gift["gift_minor"],
        gift_basis_points=gift["gift_basis_points"],
        campaigns=tuple(_campaign(config, campaign) for campaign in config.campaigns),
    )


def _campaign(config: Config, campaign: Campaign) -> CampaignTerms:
    since, until = bounds(campaign, ZoneInfo(config.programme.timezone))
    rule = ambassador_of(config.bonus.ambassador, campaign)
    return CampaignTerms(
        name=campaign.name,
        since=to_text(since),
        until=to_text(until),
        kind=rule.kind,
        amount_minor=rule.amount_minor or 0,
        share_basis_points=rule.share_basis_points or 0,
        max_minor=rule.max_minor,
        min_order_minor=rule.min_order_minor or 0,
        **_gift(config, friend_of(config.bonus.friend, campaign)),
    )


def _gift(config: Config, friend: FriendBonus) -> dict[str, int]:
    """What the friend's gift costs, where it limits what the ambassador gets; a gift in words counts as nothing."""
    if config.bonus.most_basis_points is None:
        return {"gift_minor": 0, "gift_basis_points": 0}
    return {"gift_minor": friend.amount_minor or 0, "gift_basis_points": friend.share_basis_points or 0}


def during(standing: Terms, campaign: CampaignTerms) -> Terms:
    """The terms of a campaign beside these standing ones."""
    terms = replace(
        standing,
        kind=campaign.kind,
        amount_minor=campaign.amount_minor,
        share_basis_points=campaign.share_basis_points,
        max_minor=campaign.max_minor,
        min_order_minor=campaign.min_order_minor,
        gift_minor=campaign.gift_minor,
        gift_basis_points=campaign.gift_basis_points,
        campaigns=(),
        campaign=campaign.name,
        beside=standing.id,
    )
    return replace(terms, id=_hash(_body(terms), since=campaign.since))


def terms_book(session: Session, *, programme: Programme, now: datetime, store: bool = True) -> TermsBook:
    """Every terms so far; those of the configuration are in force from now on if they are new."""
    stored = [(row["in_force_from"], read_terms(row["body"], row["id"])) for row in fetch_all(session, orders.Terms)]
    known = {terms.id: terms for _, terms in stored}
    rows = [row for row in stored if not row[1].beside]
    rows.sort(key=lambda row: (row[0], row[1].id))
    current = configured_terms(programme.config)
    if not rows or replace(rows[-1][1], id="") != current:
        current = replace(current, id=_hash(_body(current), since=now.isoformat()))
        rows.append((now, current))
        new = [current, *(during(current, campaign) for campaign in current.campaigns)]
        known |= {terms.id: terms for terms in new}
        if store:
            _put_in_force(session, new, now=now)
    return TermsBook(tuple(rows), known)


def book_of(config: Config) -> TermsBook:
    """As if this configuration had always been in force, its campaigns in their time. Nothing is stored."""
    standing = configured_terms(config)
    standing = replace(standing, id=_hash(_body(standing), since=""))
    all_of_them = [standing, *(during(standing, campaign) for campaign in standing.campaigns)]
    return TermsBook(((LONG_AGO, standing),), {terms.id: terms for terms in all_of_them})


def read_terms(body: dict[str, Any], terms_id: str) -> Terms:
    """The terms as they were stored."""
    parts = {
        "milestones": tuple(Milestone(**each) for each in body.get("milestones", ())),
        "campaigns": tuple(CampaignTerms(**each) for each in body.get("campaigns", ())),
    }
    return Terms(**body | parts, id=terms_id)


def pinned_terms(session: Session, terms_ids: Collection[str]) -> dict[str, Terms]:
    """These terms, as they were stored."""
    return {row["id"]: read_terms(row["body"], row["id"]) for row in fetch_in(session, orders.Terms, "id", terms_ids)}


def _body(terms: Terms) -> dict[str, Any]:
    """What is stored: all that has no default, and what differs from its own."""
    plain = asdict(terms)
    return {part.name: plain[part.name] for part in CONTENT if getattr(terms, part.name) != part.default}


def _hash(body: dict[str, Any], *, since: str) -> str:
    """Of the content and the day: terms that come back are in force a second time, and the first time stays."""
    return hashlib.sha256(to_json({**body, "since": since}).encode()).hexdigest()[:ID_LENGTH]


def _put_in_force(session: Session, new: Sequence[Terms], *, now: datetime) -> None:
    """In force from now on; those of campaigns in their time."""
    rows = [{"id": terms.id, "body": _body(terms), "in_force_from": now} for terms in new]
    insert_rows(session, orders.Terms, rows, ignore_conflicts=True)
