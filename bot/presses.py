"""Filters of presses, asynchronous ones: a plain function as a filter costs a hop to a thread each."""

from __future__ import annotations

from typing import Any

from aiogram.filters import Filter
from aiogram.types import CallbackQuery

from bot.keyboards import Act


class Acts(Filter):
    """A press that asks for one of these; hands the handler its ``callback_data``."""

    def __init__(self, *wanted: str) -> None:
        """The words in ``Act.what``."""
        self.wanted = frozenset(wanted)

    async def __call__(self, press: CallbackQuery) -> bool | dict[str, Any]:
        """Whether it is one of them."""
        if not press.data or not press.data.startswith(f"{Act.__prefix__}:"):
            return False
        what = press.data.partition(":")[2]
        return {"callback_data": Act(what=what)} if what in self.wanted else False
