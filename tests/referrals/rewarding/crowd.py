"""The people of a random story: who buys, who has a link, who was forgotten, and who turned out to be one person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sqlmodel import Session, select

from referrals.people.identities import email_fingerprint
from referrals.programme import Programme
from referrals.recruiting.shops import Buyer
from storage.customers import SHOP, Identity

AMBASSADORS = ("Anna", "Mats")
FRIENDS = ("Bram", "Bente", "Boris")


@dataclass
class Crowd:
    """Everybody by their name; whoever was forgotten comes back as somebody new under the same name."""

    times: Counter[str] = field(default_factory=Counter)  # how often each was forgotten
    groups: dict[str, set[str]] = field(default_factory=dict)  # who is one person
    gone: dict[str, str] = field(default_factory=dict)  # what names a forgotten one, and their fingerprint

    def word(self, name: str) -> str:
        """What stands in everything that names this person: no other text holds it."""
        return f"{name.lower()}0{self.times[name]}0"

    def buyer(self, name: str) -> Buyer:
        """As the shop knows them."""
        word = self.word(name)
        return Buyer(f"konto-{word}", f"{word}@example.nl", first_name=word, orders=None)

    def one_with(self, name: str) -> set[str]:
        """Every name of this person."""
        return self.groups.setdefault(name, {name})

    def are_one(self, one: str, other: str) -> None:
        """From now on."""
        together = self.one_with(one) | self.one_with(other)
        self.groups |= dict.fromkeys(together, together)

    def forget(self, name: str, programme: Programme) -> set[str]:
        """All names of this person are somebody else's from now on; returns them."""
        together = self.one_with(name)
        for each in together:
            word = self.word(each)
            self.gone[word] = email_fingerprint(programme, f"{word}@example.nl") or ""
            self.times[each] += 1
            self.groups[each] = {each}
        return together

    def comes_back(self, buyer: Buyer) -> None:
        """The shop says something new of somebody who was forgotten: that is a new person."""
        self.gone.pop(buyer.first_name or "", None)

    def traces(self) -> list[str]:
        """What may stand nowhere any more."""
        return [each for pair in self.gone.items() for each in pair]


def customer_of(session: Session, buyer: Buyer) -> int | None:
    """The customer behind an account of the shop."""
    query = select(Identity.customer_id).where(Identity.kind == SHOP, Identity.value == buyer.id)
    return session.exec(query).first()
