"""What people send each other outside the bot: a link with a personal word, from one phone to another."""

from __future__ import annotations

from dataclasses import dataclass

from bot.sandbox.world import World


@dataclass(frozen=True)
class Note:
    """A message from one person to another; the bot never sees it."""

    id: int
    to: int
    sender: str
    text: str
    date: int  # seconds since 1970, on the clock that dates messages
    after: int  # the newest message of the chat at that moment


class Notes:
    """All of them, in order."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._notes: list[Note] = []

    def send(self, to: int, *, sender: int, text: str) -> Note:
        """The note is on the other's phone."""
        after = max(self._world.chats[to].messages, default=0)
        name = self._world.users[sender].first_name
        note = Note(len(self._notes) + 1, to, name, text.strip(), self._world.date(), after)
        self._notes.append(note)
        self._world.touch("note", to, note)
        return note

    def of(self, person_id: int) -> list[Note]:
        """What this person received, oldest first."""
        return [note for note in self._notes if note.to == person_id]
