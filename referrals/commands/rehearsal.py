"""``dry-run --rules``: what the orders of a span would have cost under other rules; nothing is written."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from referrals.commands.opening import Misuse
from referrals.commands.output import print_json, print_line, print_table, progress
from referrals.config import Config, ConfigError, parse_config
from referrals.money import exponent
from referrals.recruiting.rehearsal import Cost, Rehearsal, Span, count_ambassadors, rehearse

if TYPE_CHECKING:
    from referrals.commands.opening import Opened

RULES = ("attribution", "bonus", "campaigns", "hold")  # the sections that decide what is owed
NOT_KNOWN = (
    "what will still be refunded, and what a longer or shorter hold would have changed",
    "who would have been brought under other rules: who brought whom stays as it was decided",
    "the friends' gifts: they are the shop's own discounts, and not in these books",
    "in which order a month's budget would have gone: of each month it is the part that fits",
)


def show_rehearsal(opened: Opened, path: Path, *, since: str | None, until: str | None, as_json: bool) -> None:
    """What these rules would have cost is printed, beside what the present ones did. Raises: Misuse, ConfigError."""
    if since is None:
        raise Misuse("--since is missing: from which moment on are orders decided again?")
    first = opened.moment(since, option="--since")
    span = Span(first, opened.moment(until, option="--until") if until else opened.now)
    if span.until <= span.since:
        raise Misuse("--until is not after --since.")
    proposed = replace(opened.programme, config=proposed_config(opened.config, path))
    total = opened.database.look(count_ambassadors)
    with progress("dry-run", total=total) as advanced:
        ask = partial(rehearse, programme=opened.programme, proposed=proposed, span=span, now=opened.now)
        found = opened.database.look(ask, advanced=advanced)
    if as_json:
        print_json(_plain(opened, found, span))
    else:
        _print(opened, found)


def proposed_config(config: Config, path: Path) -> Config:
    """The configuration with the rules of this file; sections that it leaves out are as they are.

    Raises:
        Misuse: it cannot be read.
        ConfigError: its rules cannot be used.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise Misuse(f"{path}: cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:  # numbers without end, and brackets
        raise Misuse(f"{path}: is no TOML: {error}.") from None
    unknown = sorted(data.keys() - Config.model_fields.keys())
    if unknown:
        raise ConfigError([f"{name} is unknown." for name in unknown])
    said = [name for name in RULES if name in data]
    if not said:
        raise Misuse(f"{path}: has none of the sections {', '.join(RULES)}.")
    own = config.programme
    around = {
        "programme": {"name": own.name, "base_url": own.base_url, "currency": own.currency, "timezone": own.timezone},
        "shops": [{"kind": "standard", "secrets": ["unused"], "landing_url": own.base_url}],
    }
    rules = parse_config({**around, **{name: data[name] for name in said}})
    return config.model_copy(update={name: getattr(rules, name) for name in said})


def _plain(opened: Opened, found: Rehearsal, span: Span) -> dict[str, Any]:
    return {
        "since": span.since.isoformat(),
        "until": span.until.isoformat(),
        "currency": opened.programme.currency,
        "orders": found.orders,
        "now": _cost(opened, found.now),
        "would": _cost(opened, found.would),
        "difference_minor": found.would.spent_minor - found.now.spent_minor,
        "not_known": list(NOT_KNOWN),
    }


def _cost(opened: Opened, cost: Cost) -> dict[str, Any]:
    number = opened.programme.number
    return {
        "cost_minor": cost.spent_minor,
        "milestones_minor": cost.milestones_minor,
        "bonuses": cost.bonuses,
        "ambassadors": cost.ambassadors,
        "months_over_budget": cost.over_budget,
        "largest": [
            {"customer": number("customer", customer_id), "amount_minor": minor}
            for minor, customer_id in sorted(cost.largest, reverse=True)
        ],
    }


def _print(opened: Opened, found: Rehearsal) -> None:
    money = partial(_money, currency=opened.programme.currency)
    now, would = found.now, found.would
    print_line(f"This would have cost {money(would.spent_minor)} (now: {money(now.spent_minor)}).")
    print_line(f"Orders through ambassadors: {found.orders}.")
    rows = [
        ("bonuses", now.bonuses, would.bonuses),
        ("ambassadors", now.ambassadors, would.ambassadors),
        ("milestones", money(now.milestones_minor), money(would.milestones_minor)),
        ("months over budget", ", ".join(now.over_budget), ", ".join(would.over_budget)),
    ]
    print_table(("", "now", "would"), rows)
    largest = _cost(opened, would)["largest"]
    print_table(("largest", "amount"), [(each["customer"], money(each["amount_minor"])) for each in largest])
    print_line("Not known here:")
    for each in NOT_KNOWN:
        print_line(f"- {each}")


def _money(minor: int, *, currency: str) -> str:
    places = exponent(currency)
    return f"{currency} {Decimal(minor).scaleb(-places):,.{places}f}"
