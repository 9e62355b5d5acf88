"""What Alembic runs: the revisions, on a connection of ``storage.schema``."""

from __future__ import annotations

from alembic import context

from storage.schema import migration_options

# Offline mode (printing SQL) is not offered: the revisions look at what is there.
connection = context.config.attributes["connection"]
context.configure(connection=connection, **migration_options())
context.run_migrations()
