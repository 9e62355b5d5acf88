"""What can go wrong when a shop is asked: sentences for the operator, without secrets and without anybody's data."""

from __future__ import annotations


class ShopError(Exception):
    """The shop did not do what it was asked; ``permanent`` where asking again is of no use."""

    permanent = False

    def __init__(
        self,
        shop: str,
        sentence: str,
        *,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        maybe_done: bool = False,
    ) -> None:
        """The sentence follows the shop's name.

        Args:
            shop: The shop's name in the configuration.
            sentence: What happened, without personal data.
            status: The HTTP status of its answer, where there was one.
            code: The shop's own word for it, where that is a plain name such as ``woocommerce_rest_cannot_view``.
            retry_after: Seconds after which the shop wants to be asked again.
            maybe_done: It was a change, and nobody knows whether the shop has made it.
        """
        super().__init__(f"{shop}: {sentence}")
        self.shop = shop
        self.sentence = sentence
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.maybe_done = maybe_done


class ShopUnreachable(ShopError):
    """No connection, no answer in time, or a fault of the shop's own server."""


class ShopBusy(ShopUnreachable):
    """The shop wants to be asked less often."""


class ShopRefused(ShopError):
    """The shop understood and said no."""

    permanent = True


class ShopUnauthorised(ShopRefused):
    """The shop does not know our key, or the key may not do this."""


class ShopNonsense(ShopError):
    """The answer is none: no JSON, too large, or an address elsewhere."""

    permanent = True


class ApiMissing(ShopError):
    """The configuration does not say how this shop is called."""

    permanent = True
