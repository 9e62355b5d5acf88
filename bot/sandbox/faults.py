"""What goes wrong at Telegram's: refusals, broken connections and floods, injected or enforced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.sandbox.refusals import Refusal, too_many

SENDING = ("send", "edit", "copy", "forward")
KINDS = ("429", "500", "502", "502-html", "403", "400", "hang", "reset", "reset-after")


@dataclass
class Fault:
    """The next ``count`` matching calls go wrong in this way.

    ``hang`` waits ``seconds`` and then drops the connection, ``reset`` drops it at once; neither
    carries the call out. ``reset-after`` carries it out and loses the answer.
    """

    kind: str
    count: int = 1
    method: str | None = None
    chat_id: int | None = None
    retry_after: int = 1
    seconds: float = 60.0
    description: str = ""

    def refusal(self) -> Refusal:
        """What a caller reads, for the kinds that answer."""
        if self.kind == "429":
            return too_many(self.retry_after)
        texts = {
            "400": "Bad Request: " + (self.description or "injected"),
            "403": "Forbidden: " + (self.description or "bot was blocked by the user"),
            "500": "Internal Server Error",
            "502": "Bad Gateway",
        }
        return Refusal(int(self.kind[:3]), texts[self.kind[:3]])


@dataclass
class _Bucket:
    """Tokens that come back at ``rate`` a second, up to ``most``."""

    rate: float
    most: float
    tokens: float = field(default=0.0)
    at: float = field(default=0.0)

    def take(self, now: float) -> float:
        """Take one and return 0, or take none and return the seconds until there is one."""
        self.tokens = min(self.most, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.rate


class Faults:
    """The faults that wait for their call, and the flood limit once it is switched on."""

    def __init__(self, *, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._waiting: list[Fault] = []
        self._flood: tuple[float, float, float] | None = None
        self._chats: dict[int, _Bucket] = {}
        self._overall = _Bucket(30, 30)

    def inject(self, kind: str, *, count: int = 1, method: str | None = None, chat_id: int | None = None,
               retry_after: int = 1, seconds: float = 60.0, description: str = "") -> None:  # fmt: skip
        """Make the next ``count`` calls (of this method, to this chat) go wrong; see ``KINDS``."""
        if kind not in KINDS:
            raise ValueError(kind)
        self._waiting.append(Fault(kind, count, method and method.lower(), chat_id, retry_after, seconds, description))

    def clear(self) -> None:
        """No fault waits any more."""
        self._waiting.clear()

    def limit_floods(self, *, per_chat: float = 1.0, burst: float = 3.0, overall: float = 30.0) -> None:
        """From now on hold the bot to Telegram's sending limits: a second, per chat (with short bursts) and in all."""
        self._flood = (per_chat, burst, overall)
        self._chats.clear()
        self._overall = _Bucket(overall, overall, tokens=overall, at=self._seconds())

    def next_fault(self, method: str, chat_id: object) -> Fault | None:
        """The fault that this call meets, counted off."""
        for fault in self._waiting:
            if fault.method not in {None, method} or fault.chat_id not in {None, chat_id}:
                continue
            if method == "getupdates" and fault.method is None:
                continue
            fault.count -= 1
            if fault.count <= 0:
                self._waiting.remove(fault)
            return fault
        return None

    def check_flood(self, method: str, chat_id: object) -> None:
        """Let the call pass, or refuse it.

        Raises:
            Refusal: 429 with ``retry_after``, when the flood limit is on and reached.
        """
        if self._flood is None or not method.startswith(SENDING) or not isinstance(chat_id, int):
            return
        per_chat, burst, _ = self._flood
        now = self._seconds()
        bucket = self._chats.setdefault(chat_id, _Bucket(per_chat, burst, tokens=burst, at=now))
        wait = bucket.take(now) or self._overall.take(now)
        if wait:
            raise too_many(max(1, round(wait + 0.5)))
