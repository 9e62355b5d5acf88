"""A staff group that the bot is a member of."""

from __future__ import annotations

from bot.sandbox.autolinks import with_found
from bot.sandbox.people import Person, Press
from bot.sandbox.refusals import Json
from bot.sandbox.updates import Updates
from bot.sandbox.world import Chat, Message, World


class Group:
    """A supergroup, perhaps with topics; its members write and press in it."""

    def __init__(self, world: World, updates: Updates, *, chat: Chat) -> None:
        self._world = world
        self._updates = updates
        self._chat = chat

    @property
    def id(self) -> int:
        """The chat's id: negative."""
        return self._chat.id

    @property
    def chat(self) -> list[Message]:
        """What stands in the group now."""
        return [message for message in self._chat.messages.values() if not message.deleted]

    def say(self, person: Person, text: str, *, reply_to: Message | None = None, topic: int | None = None) -> Message:
        """A member writes, perhaps as an answer or in a topic."""
        extra: Json = {"reply_to_message": self._world.to_json(reply_to)} if reply_to else {}
        thread = reply_to.thread_id if reply_to else topic
        message = self._world.add_message(
            self._chat, sender=person.user, text=text, entities=with_found(text, []), extra=extra, thread_id=thread
        )
        self._updates.add("message", self._world.to_json(message), subject=self._chat.id)
        return message

    def press(self, person: Person, button: str, *, message: Message | None = None) -> Press:
        """A member presses the newest button that says this.

        Raises:
            LookupError: when no message shows one.
        """
        for shown in [message] if message else reversed(self.chat):
            for row in shown.rows:
                for candidate in row:
                    if button in {candidate["text"], candidate.get("callback_data")}:
                        return person.press_on(shown, candidate)
        raise LookupError(button)
