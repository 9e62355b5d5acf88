"""Rules of the bonus that an owner may set, and what each promises at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Offer:
    """A rule of the bonus, as the owner's configuration names it, and as the accountant reads it."""

    keys: dict[str, Any]
    fixed: int | None = None
    percent: int = 0
    most: int | None = None
    least: int = 0
    once: bool = True  # a friend's first order only
    places: int | None = None  # bonuses a month

    def at_most(self, kept: int) -> int:
        """What an order of which so much was kept earns at most."""
        if kept <= 0 or kept < self.least:
            return 0
        share = (kept * self.percent + 50) // 100 if self.fixed is None else self.fixed
        return share if self.most is None else min(share, self.most)


def _bonus(**keys: Any) -> dict[str, Any]:
    return {f"bonus__ambassador__{name}": value for name, value in keys.items()}


OFFERS = (
    Offer(_bonus(when="first_order", kind="fixed", amount="15.00", min_order="25.00"), fixed=1500, least=2500),
    Offer(_bonus(when="every_order", kind="percent", percent="10", max="8.00", min_order="0.00"), percent=10, most=800,
          once=False),
    Offer(_bonus(when="every_order", kind="percent", percent="10", max="none", min_order="0.00", per_month=1),
          percent=10, once=False, places=1),
    Offer(_bonus(when="first_order", kind="fixed", amount="15.00", min_order="0.00", per_month=2), fixed=1500,
          places=2),
)  # fmt: skip
