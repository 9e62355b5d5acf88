"""People with a Telegram account: what they do with the bot, and what they see of it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from bot.sandbox.autolinks import with_found
from bot.sandbox.refusals import Json
from bot.sandbox.updates import Updates
from bot.sandbox.world import Chat, Message, Query, User, World

WAIT_SECONDS = 10.0
PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")


class NoSuchButton(LookupError):
    """The chat shows no button that says this."""


class NotPossible(RuntimeError):
    """A Telegram app does not offer this here: writing before START, or while the bot is blocked."""


@dataclass(frozen=True)
class Press:
    """A button that was pressed, and what it leads to."""

    button: Json
    query: Query | None = None  # None for buttons that the app handles by itself

    @property
    def opens(self) -> str:
        """The address that the app opens, or the text that it copies; empty for a press that the bot gets."""
        return str(self.button.get("url") or (self.button.get("copy_text") or {}).get("text") or "")

    async def answered(self, within: float = WAIT_SECONDS) -> Json:
        """The bot's answer: ``text`` and ``show_alert`` when it said something.

        Raises:
            TimeoutError: when there is none within so many seconds.
        """
        if self.query is None:
            return {}
        return await asyncio.wait_for(asyncio.shield(self.query.answered), within)


class Person:
    """One person, seen from their own phone."""

    def __init__(self, world: World, updates: Updates, *, user: User, chat: Chat) -> None:
        self._world = world
        self._updates = updates
        self.user = user
        self._chat = chat

    @property
    def id(self) -> int:
        """The Telegram id; also that of the private chat."""
        return self.user.id

    @property
    def chat(self) -> list[Message]:
        """What stands in the chat now, oldest first, edits in place, deleted ones gone."""
        return [message for message in self._chat.messages.values() if not message.deleted]

    @property
    def last(self) -> Message:
        """The bot's newest message.

        Raises:
            LookupError: when the bot has said nothing.
        """
        said = [message for message in self.chat if message.sender.is_bot]
        if not said:
            raise LookupError(f"the bot has said nothing to {self.user.first_name}")
        return said[-1]

    @property
    def started(self) -> bool:
        """Whether START was ever pressed."""
        return self._chat.started

    @property
    def blocked(self) -> bool:
        """Whether the bot is blocked."""
        return self._chat.blocked

    def start(self, payload: str | None = None) -> Message:
        """Press START, perhaps through a link with a payload; a blocked bot is unblocked by it."""
        if payload is not None and not PAYLOAD.fullmatch(payload):
            raise ValueError(f"no app starts a bot with {payload!r}")
        if self._chat.blocked:
            self.unblock()
        self._chat.started = True
        return self._write("/start" if payload is None else f"/start {payload}")

    def say(self, text: str, *, reply_to: Message | None = None) -> Message:
        """Write a message."""
        if not self._chat.started or self._chat.blocked:
            raise NotPossible(f"{self.user.first_name} cannot write here")
        return self._write(text, reply_to=reply_to)

    def press(self, button: str, *, message: Message | None = None) -> Press:
        """Press the newest button that says this or carries it as callback_data, or the one under ``message``.

        Raises:
            NoSuchButton: when no message shows one.
        """
        for shown in [message] if message else reversed(self.chat):
            for row in shown.rows:
                for candidate in row:
                    if button in {candidate["text"], candidate.get("callback_data")}:
                        return self.press_on(shown, candidate)
        raise NoSuchButton(f"{button!r} is not among {[shown.buttons for shown in self.chat if shown.rows]}")

    def press_on(self, message: Message, button: Json) -> Press:
        """Press exactly this button, even one that is no longer there: an app may be a moment behind."""
        if self._chat.blocked:
            raise NotPossible(f"{self.user.first_name} has blocked the bot")
        if "callback_data" not in button:
            payload = self.start_payload(str(button.get("url") or ""))
            if payload is not None:
                self.start(payload or None)
            return Press(button)
        query = self._world.add_query(message)
        body = {
            "id": query.id,
            "from": self.user.to_json(),
            "message": self._world.to_json(message),
            "chat_instance": str(7_000_000_000 + self._chat.id),
            "data": button["callback_data"],
        }
        self._updates.add("callback_query", body, subject=self.user.id)
        self._world.touch("press", self._chat.id, message.id)
        return Press(button, query)

    def block(self) -> None:
        """Block the bot; it is told, if it asked for such updates."""
        self._set_blocked(blocked=True)

    def unblock(self) -> None:
        """Let the bot write again, without writing to it."""
        self._set_blocked(blocked=False)

    def delete_account(self) -> None:
        """The account is gone; nobody is told, only sending fails."""
        self.user.deactivated = True
        self._world.touch("person", self._chat.id)

    def mark(self) -> int:
        """This moment, for ``wait_for(..., after=mark)``."""
        return self._world.revision

    async def wait_for(self, fragment: str, *, after: int = 0, within: float = WAIT_SECONDS) -> Message:
        """The newest message of the bot that holds this text, as soon as it is there.

        Raises:
            TimeoutError: with what the chat shows instead.
        """
        try:
            async with asyncio.timeout(within):
                while True:
                    for message in reversed(self.chat):
                        if message.sender.is_bot and message.revision > after and fragment in message.words:
                            return message
                    await self._world.changed()
        except TimeoutError:
            shown = [message.words for message in self.chat[-5:]]
            raise TimeoutError(f"{self.user.first_name} does not see {fragment!r}, but {shown}") from None

    def start_payload(self, url: str) -> str | None:
        """The payload of a link to this bot ("" for a bare one), None for any other address."""
        parts = urlsplit(url if "://" in url else f"https://{url}")
        if parts.hostname not in {"t.me", "telegram.me"} or parts.path.strip("/") != self._world.bot.username:
            return None
        return parse_qs(parts.query).get("start", [""])[0]

    def _write(self, text: str, *, reply_to: Message | None = None) -> Message:
        extra = {"reply_to_message": self._world.to_json(reply_to)} if reply_to else {}
        text = text.strip()
        message = self._world.add_message(
            self._chat, sender=self.user, text=text, entities=with_found(text, []), extra=extra
        )
        self._updates.add("message", self._world.to_json(message), subject=self._chat.id)
        return message

    def _set_blocked(self, *, blocked: bool) -> None:
        if self._chat.blocked == blocked or not self._chat.started:
            return
        self._chat.blocked = blocked
        bot = self._world.bot.to_json()
        member, kicked = {"user": bot, "status": "member"}, {"user": bot, "status": "kicked", "until_date": 0}
        body = {
            "chat": self._chat.to_json(),
            "from": self.user.to_json(),
            "date": self._world.date(),
            "old_chat_member": member if blocked else kicked,
            "new_chat_member": kicked if blocked else member,
        }
        self._updates.add("my_chat_member", body, subject=self.user.id)
        self._world.touch("person", self._chat.id)
