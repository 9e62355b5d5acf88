"""The words that the API's bodies have in common; what only one endpoint says stands beside it."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict  # pydantic reads typing's own only from Python 3.12

Item = TypeVar("Item")

Number = Annotated[
    str, Field(pattern="^[A-Za-z2-9]{5,20}$", examples=["K7QX3"], description="A public number, read in any case.")
]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-24T09:00:00+00:00"])]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", examples=["EUR"], description="ISO 4217.")]
Minor = Annotated[int, Field(description="In the currency's minor units: 1500 EUR is € 15.")]
ExternalId = Annotated[
    Annotated[str, Field(min_length=1, max_length=200)] | int, Field(description="The shop's own id.", examples=["77"])
]
ShopName = Annotated[
    str, Field(min_length=1, description="Names one of [[shops]]; may be left out where there is only one.")
]
OrderStatus = Literal["pending", "paid", "completed", "cancelled", "refunded", "deleted"]
BonusStatus = Literal["held", "available", "refused", "reversed"]


class Explained(TypedDict):
    """A reason: its code, the data that its sentence names, and the sentence."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc] # how pydantic is told about a TypedDict
    code: Annotated[str, Field(examples=["friend_is_existing_customer"])]
    text: Annotated[str, Field(description="In Dutch or English, as Accept-Language prefers.")]


class PageOf(TypedDict, Generic[Item]):
    """Items, the newest first; the cursor asks for the next page, and null says that this is the last."""

    items: list[Item]
    next_cursor: Number | None
