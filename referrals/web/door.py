"""What every room of the web door needs: the database, the programme, the clocks, the words, the limits."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web
from sqlmodel import Session

from referrals.clock import Clock
from referrals.programme import Programme
from referrals.recruiting.events import Answer, Delivery, apply_deliveries
from referrals.web.limits import API_REQUESTS, BAD_SIGNATURES, CODE_MISSES, Allowance, Clients
from storage.database import Database

Say = Callable[..., str]  # (key, locale, **data)
RETRY_AFTER_SECONDS = 2  # when the database is busy or away


@dataclass(frozen=True)
class Door:
    """Held open for as long as the application runs."""

    database: Database
    programme: Programme
    clock: Clock
    say: Say
    bot_name: str | None = None  # what the caller knows; else what the bot role stored (rules 22)
    clients: Clients = field(default_factory=Clients)
    code_misses: Allowance = field(default_factory=lambda: Allowance(CODE_MISSES, penalty=True))
    bad_signatures: Allowance = field(default_factory=lambda: Allowance(BAD_SIGNATURES))
    bad_keys: Allowance = field(default_factory=lambda: Allowance(BAD_SIGNATURES))
    api_requests: Allowance = field(default_factory=lambda: Allowance(API_REQUESTS))

    @functools.cached_property
    def apply(self) -> Callable[[Session, list[Delivery]], list[Answer]]:
        """The use case of every delivery: one object, so that hooks and the API share a batch."""
        return functools.partial(apply_deliveries, programme=self.programme)

    def missed_code(self, request: web.Request) -> float:
        """The seconds this client waits because it tried too many codes, else nought; costs nothing in peace."""
        if self.code_misses.is_idle:
            return 0.0
        return self.code_misses.wait(self.clients.name(request), at=time.monotonic())

    def count_miss(self, request: web.Request) -> None:
        """One more code that is nobody's."""
        self.code_misses.spend(self.clients.name(request), at=time.monotonic())


DOOR: web.AppKey[Door] = web.AppKey("door", Door)
