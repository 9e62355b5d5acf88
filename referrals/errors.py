"""Errors of the programme: named as facts, with a code and data, without prose."""

from __future__ import annotations

from typing import Any


class ProgrammeError(Exception):
    """Something the programme refuses; doors map ``code`` to a text or a status."""

    code = "refused"

    def __init__(self, **data: Any) -> None:  # noqa: ANN401 - plain data of the error
        """Keep the data that a text may want to name."""
        super().__init__(self.code)
        self.data = data


class UnknownCustomer(ProgrammeError):  # noqa: N818 - errors are named as facts
    """No customer has this number."""

    code = "unknown_customer"


class UnknownReferral(ProgrammeError):  # noqa: N818 - errors are named as facts
    """No referral has this number."""

    code = "unknown_referral"


class UnknownShop(ProgrammeError):  # noqa: N818 - errors are named as facts
    """The configuration has no shop of this name."""

    code = "unknown_shop"


class UnknownOrder(ProgrammeError):  # noqa: N818 - errors are named as facts
    """The shop has not reported this order."""

    code = "unknown_order"


class CustomerExcluded(ProgrammeError):  # noqa: N818 - errors are named as facts
    """An excluded, erased or staff customer cannot take part."""

    code = "excluded_customer"


class BotUnknown(ProgrammeError):  # noqa: N818 - errors are named as facts
    """Neither the configuration nor the bot role has told the bot's name yet (rules 22)."""

    code = "bot_unknown"


class CodeTaken(ProgrammeError):  # noqa: N818 - errors are named as facts
    """The code belongs to somebody, now or earlier (rules 17)."""

    code = "code_taken"


class OwnReferral(ProgrammeError):  # noqa: N818 - errors are named as facts
    """Ambassador and friend are one person."""

    code = "own_account"


class InternalFault(ProgrammeError):  # noqa: N818 - errors are named as facts
    """Our own code failed on an authentic delivery (rules 37)."""

    code = "internal_error"
