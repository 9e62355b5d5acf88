"""Chats as the page shows them: plain JSON, ready to draw."""

from __future__ import annotations

from typing import Any

from bot.sandbox.autolinks import with_found
from bot.sandbox.people import Person
from bot.sandbox.profile import Profile
from bot.sandbox.refusals import Json
from bot.sandbox.sharing import Note, Notes
from bot.sandbox.world import Message, World

QUOTED = 120  # characters of the message that a reply is to
SHOWN = 200  # messages a pane; older ones have scrolled away


class Views:
    """Draws from the world; changes nothing."""

    def __init__(self, world: World, profile: Profile, notes: Notes) -> None:
        self._world = world
        self._profile = profile
        self._notes = notes

    def pane(self, person: Person, *, role: str) -> Json:
        """One person's phone, without its messages."""
        chat = self._world.chats[person.id]
        return {
            "id": person.id,
            "name": person.user.first_name,
            "role": role,
            "started": person.started,
            "blocked": person.blocked,
            "commands": self._profile.commands_for(chat, person.user.language_code),
        }

    def messages(self, person: Person) -> list[Json]:
        """What stands on the screen, oldest first: the chat, and between it what friends sent."""
        shown = [(message.id, 0, self.message(message)) for message in person.chat if _drawable(message)]
        shown += [(note.after, note.id, self.note(note)) for note in self._notes.of(person.id)]
        return [view for _, _, view in sorted(shown, key=lambda entry: entry[:2])][-SHOWN:]

    def note(self, note: Note) -> Json:
        """What a friend sent."""
        return {
            "id": f"n{note.id}",
            "by": "friend",
            "name": note.sender,
            "date": note.date,
            "text": note.text,
            "entities": with_found(note.text, []),
            "rows": [],
        }

    def message(self, message: Message) -> Json:
        """One bubble; a deleted one says so."""
        view: Json = {"id": message.id, "by": "bot" if message.sender.is_bot else "me", "date": message.date}
        if message.deleted or not _drawable(message):
            return view | {"deleted": True}
        view |= {"text": message.words, "entities": message.entities, "edited": message.edit_date is not None}
        view["rows"] = [[_button(button) for button in row] for row in message.rows]
        view["forwarded"] = "forward_origin" in message.extra
        if "reply_to_message" in message.extra:
            view["reply"] = str(message.extra["reply_to_message"].get("text") or "")[:QUOTED]
        if message.photo and message.photo.size:
            width, height = message.photo.size
            view["photo"] = {"url": f"/api/files/{message.photo.file_id}", "width": width, "height": height}
        if message.document:
            document = message.document
            size = len(document.content)
            view["document"] = {"url": f"/api/files/{document.file_id}", "name": document.name, "size": size}
        return view

    def event(self, kind: str, what: Any) -> Json:
        """What changed, for a page that already shows the rest."""
        if isinstance(what, Message):
            return {"kind": "message", "message": self.message(what)}
        if isinstance(what, Note):
            return {"kind": "message", "message": self.note(what)}
        return {"kind": kind, "what": what}


def _drawable(message: Message) -> bool:
    return message.text is not None or message.photo is not None or message.document is not None


def _button(button: Json) -> Json:
    if "copy_text" in button:
        return {"text": button["text"], "copy": button["copy_text"]["text"]}
    if "callback_data" in button:
        return {"text": button["text"], "press": True}
    return {"text": button["text"], "url": button.get("url") or (button.get("web_app") or {}).get("url", "")}
