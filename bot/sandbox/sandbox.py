"""A Telegram of one's own: a Bot API server, and people who use it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Self

from bot.sandbox.faults import Faults
from bot.sandbox.groups import Group
from bot.sandbox.methods import Methods
from bot.sandbox.parameters import Call
from bot.sandbox.people import Person
from bot.sandbox.telegram_server import TelegramServer
from bot.sandbox.updates import Updates
from bot.sandbox.webhooks import Delivery, Webhooks
from bot.sandbox.world import Chat, User, World

TOKEN = "7100200300:AAE-sandbox-only-not-a-real-token00"  # noqa: S105 - opens nothing but the sandbox
FIRST_PERSON = 5_000_001
FIRST_GROUP = -1_001_000_000_001


class Sandbox:
    """The Bot API server and everybody in it.

    ``now`` is the machine's clock (ages, back-off); ``dates`` is the clock that dates messages, the
    programme's in the try-out, and the machine's where none is given.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        dates: Callable[[], datetime] | None = None,
        token: str = TOKEN,
        username: str = "atelier_noord_bot",
        bot_name: str = "Atelier Noord",
    ) -> None:
        self.token = token
        self.username = username
        bot = User(int(token.partition(":")[0]), bot_name, username=username, is_bot=True)
        self.world = World(bot=bot, now=now, dates=dates or now)
        self.updates = Updates(seconds=self.world.seconds)
        self.faults = Faults(seconds=self.world.seconds)
        self.methods = Methods(self.world, self.updates, self.faults)
        self.people: dict[int, Person] = {}
        self._server = TelegramServer(self.methods, token=token)

    @property
    def url(self) -> str:
        """The address of the Bot API server, for ``telegram.api_server``."""
        return self._server.url

    @property
    def calls(self) -> list[Call]:
        """Every call of the bot, in order of arrival, refused ones too."""
        return self.methods.calls

    @property
    def webhooks(self) -> Webhooks:
        """The webhook that is set, with its pace."""
        return self.methods.webhooks

    @property
    def deliveries(self) -> list[Delivery]:
        """Every attempt to deliver an update to the webhook."""
        return self.methods.webhooks.deliveries

    async def start(self, port: int = 0, *, host: str = "127.0.0.1") -> None:
        """Listen for the bot; port 0 is any free one, a port in use moves to the next."""
        await self._server.start(host=host, port=port)

    async def stop(self) -> None:
        """Close the listener and deliver nothing more."""
        await self.methods.webhooks.stop()
        await self._server.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def person(
        self, first_name: str, *, language_code: str | None = "nl", id: int | None = None, username: str | None = None
    ) -> Person:
        """Somebody with an account, who has not pressed START; the same id is the same person."""
        number = id or FIRST_PERSON + len(self.people)
        if number not in self.people:
            user = User(number, first_name, language_code, username)
            chat = Chat(number, "private", first_name)
            self.world.users[number] = user
            self.world.chats[number] = chat
            self.people[number] = Person(self.world, self.updates, user=user, chat=chat)
            self.world.touch("person", number)
        return self.people[number]

    def group(self, title: str, *, id: int = FIRST_GROUP, forum: bool = True) -> Group:
        """A group with the bot as an administrator."""
        chat = Chat(id, "supergroup", title, started=True, is_forum=forum)
        self.world.chats[id] = chat
        return Group(self.world, self.updates, chat=chat)

    def calls_of(self, method: str) -> list[Call]:
        """The calls of one method that were carried out."""
        return [call for call in self.calls if call.method == method.lower() and not call.error]

    def inject(self, kind: str, **how: Any) -> None:
        """Make coming calls go wrong; see ``Faults.inject``."""
        self.faults.inject(kind, **how)
