"""The seam of chance: the only module that draws random numbers."""

from __future__ import annotations

import secrets

TOKEN_BYTES = 16  # 128 bits, for clicks, connect links and keys


class Maker:
    """Makes tokens and picks symbols; tests hand in one that repeats itself."""

    def token(self, size: int = TOKEN_BYTES) -> str:
        """A URL-safe token of ``size`` random bytes."""
        return secrets.token_urlsafe(size)

    def symbols(self, alphabet: str, length: int) -> str:
        """``length`` symbols drawn evenly from the alphabet."""
        return "".join(secrets.choice(alphabet) for _ in range(length))

    def key(self, size: int = 32) -> str:
        """``size`` random bytes as hex, for a key that is kept."""
        return secrets.token_hex(size)

    def fraction(self) -> float:
        """A number in [0, 1), for the jitter of repeated tries."""
        return secrets.randbelow(1_000_000) / 1_000_000
