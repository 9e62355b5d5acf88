"""What the Bot API answers when it says no: a code, a description, perhaps parameters."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class Refusal(Exception):
    """A call that was not carried out, in the words of Telegram's own server."""

    def __init__(self, code: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def body(self) -> Json:
        """The JSON that the caller receives."""
        body: Json = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return body


def bad_request(description: str) -> Refusal:
    """400: the call makes no sense as it stands."""
    return Refusal(400, f"Bad Request: {description}")


def forbidden(description: str) -> Refusal:
    """403: this chat will not have it."""
    return Refusal(403, f"Forbidden: {description}")


def conflict(description: str) -> Refusal:
    """409: polling and webhook, or two pollers, exclude each other."""
    return Refusal(409, f"Conflict: {description}")


def too_many(retry_after: int) -> Refusal:
    """429: wait ``retry_after`` seconds and repeat."""
    return Refusal(429, f"Too Many Requests: retry after {retry_after}", {"retry_after": retry_after})
