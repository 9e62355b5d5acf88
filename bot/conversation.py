"""What the chat's machinery and its screens say to each other: who speaks, and what they are answered.

A screen is a plain function ``screen(session, visitor, *, programme, …) -> Sequence[Reply]``; a handler does no more
than ``await turn.write(screen, …)``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

AWAITED = timedelta(hours=24)  # how long a question to which a text is the answer stays open (rules 31)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who speaks, and from where."""

    customer_id: int
    chat_id: int
    telegram_id: int
    name: str | None  # as their app says; shown to themselves only
    locale: str | None
    is_owner: bool
    stopped: bool
    is_new: bool  # their chat has had no overview yet
    message_id: int | None
    home_message_id: int | None
    awaiting: dict[str, Any] | None
    at: datetime  # programme time of what they said
    now: datetime
    machine_now: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """A message: the name of a screen and its data; ``edit`` names a message that it takes the place of."""

    screen: str
    data: dict[str, Any] = field(default_factory=dict)
    edit: int | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A message that shows one of the views of the home message, as things are now; ``edit`` as above."""

    view: str
    edit: int | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """The home message shows this view; ``anew`` at the end of the chat, and the old one loses its buttons."""

    view: str = "home"
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Strip:
    """A message loses its buttons."""

    message_id: int


@dataclass(frozen=True, slots=True)
class Press:
    """What the button itself says for a moment: the key of a text."""

    key: str


@dataclass(frozen=True, slots=True)
class Await:
    """The next text is the answer to this; None: to nothing."""

    what: str | None
    data: dict[str, Any] = field(default_factory=dict)


Reply = Answer | View | Home | Strip | Press | Await
Screen = Callable[..., Sequence[Reply]]


def without_buttons(visitor: Visitor) -> list[Reply]:
    """The message whose button was pressed loses its buttons, where it is known which one that is."""
    return [] if visitor.message_id is None else [Strip(visitor.message_id)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the door does after the commit."""

    press: str | None
    locale: str | None


@dataclass
class Turn:
    """One update's turn, as a handler sees it; ``asked`` is the question to which a text is the answer."""

    run: Callable[[Screen, dict[str, Any]], Awaitable[Outcome]]
    asked: str | None = None
    outcome: Outcome | None = None

    async def write(self, screen: Screen, **arguments: Any) -> None:
        """The screen's answer is committed, and the update with it."""
        self.outcome = await self.run(screen, arguments)

    async def show(self, view: str) -> None:
        """The answer is a view, in a message of its own."""
        await self.write(show_view, view=view)


def show_view(_session: Session, _visitor: Visitor, *, view: str, **_context: Any) -> Sequence[Reply]:
    """A view, in a message of its own."""
    return [View(view)]


def awaited(asked: dict[str, Any] | None, *, now: datetime) -> str | None:
    """What the next text answers; a question older than a day is forgotten (rules 31)."""
    if not asked or datetime.fromisoformat(asked["since"]) + AWAITED < now:
        return None
    return str(asked["what"])


def spoken(text: str | None) -> str:
    """What was typed, without the blanks around it and the one symbol that no database keeps."""
    return (text or "").replace("\x00", "").strip()


@dataclass(frozen=True, slots=True)
class Look:
    """Who looks at a view, and what they may see; ``argument`` is what follows the point in ``board.week``."""

    customer_id: int
    chat_id: int
    is_owner: bool
    sees_history: bool
    now: datetime
    argument: str = ""
