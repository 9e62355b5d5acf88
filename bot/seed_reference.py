"""How the first experience came onto the try-out's wall: half a year of one customer, and two yeses.

Marit came through a friend and bought by the button in her chat, so that her chat is hers for sure; she bought again,
gave a 10, was invited after half a year, and said yes to the exact words. Ruben owns the shop together with Olga.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from bot.sandbox.people import Person
    from bot.sandbox.world import Message
    from bot.seed import Past

RUBEN = 5_000_004  # an owner who has no phone on the page
FRIEND, MARIT, OWNER = "Wim", "Marit", "Ruben"
ANSWERS = (
    "We zochten een bank waar we met z'n zessen aan kunnen.",
    "Hij staat er alsof hij er altijd al stond, en 's avonds blijft iedereen langer zitten.",
    "Aan iedereen die liever één keer goed koopt.",
)
BOUGHT, SCORED, BOUGHT_AGAIN, INVITED, PLACED = 7, 21, 49, 191, 193  # days


class Regular:
    """Marit's half year, and the friend who brought her."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._code = ""

    def steps(self) -> list[tuple[int, Callable[[], Awaitable[None]]]]:
        """What happens on which day."""
        return [
            (0, self._wim_joins),
            (BOUGHT, self._marit_comes),
            (SCORED, self._marit_gives_a_ten),
            (BOUGHT_AGAIN, self._marit_buys_again),
            (INVITED, self._marit_tells),
            (PLACED, self._ruben_places_it),
        ]

    async def _wim_joins(self) -> None:
        past, wim = self._past, self._past.arrives(FRIEND)
        order = await past.order(FRIEND, "stool")
        await past.connect(wim, order)
        self._code = await past.link(wim)

    async def _marit_comes(self) -> None:
        marit = self._past.arrives(MARIT)
        marit.start(f"r_{self._code}")
        gift = await marit.wait_for(self._code)
        address = next(button["url"] for row in gift.rows for button in row if "url" in button)
        found = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        await self._past.order(MARIT, "bench", ref=found["ref"], click=found["click"])

    async def _marit_gives_a_ten(self) -> None:
        await self._past.score(self._past.person(MARIT), 10, why="De bank is nog mooier dan op de foto.")

    async def _marit_buys_again(self) -> None:
        await self._past.order(MARIT, "rack")

    async def _marit_tells(self) -> None:
        """Three answers, two boxes, one yes."""
        past, marit = self._past, self._past.person(MARIT)
        yes = past.say("button.reference.yes")
        invited = next(message for message in reversed(marit.chat) if yes in message.buttons)
        marit.press(yes, message=invited)
        for number, words in enumerate(ANSWERS, start=1):
            await marit.wait_for(past.say(f"reference.question.{number}"))
            marit.say(words)
        draft = await marit.wait_for(past.say("reference.consent.intro"))
        for label in (past.say("button.reference.website"), past.say("button.reference.first_name", name=MARIT)):
            await self._changes(marit, draft, past.say("reference.unticked", label=label))
        await self._changes(marit, draft, past.say("button.reference.agree"))

    async def _changes(self, person: Person, message: Message, button: str) -> None:
        """A press that changes the message it stands under."""
        before = person.mark()
        person.press(button, message=message)
        await person.wait_for(ANSWERS[0], after=before)

    async def _ruben_places_it(self) -> None:
        past, ruben, marit = self._past, self._past.arrives(OWNER, id=RUBEN), self._past.person(MARIT)
        ruben.start()
        ruben.say("/referentie")
        card = await ruben.wait_for(past.say("reference.owner.state.customer_approved"))
        before = marit.mark()
        ruben.press(past.say("button.reference.place"), message=card)
        await marit.wait_for(past.say("reference.use.website"), after=before)
