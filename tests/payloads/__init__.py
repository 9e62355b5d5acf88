"""Sample deliveries of our own making, in the shapes that shops send, as raw bytes."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent


def payload(name: str) -> bytes:
    """The bytes of a sample: ``payload("woocommerce/order_processing")``."""
    return (FOLDER / f"{name}.json").read_bytes()
