"""Keeps runs in PostgreSQL, so that any machine can go on with them; needs the extra postgres."""

from agent.adapters.postgres.database import Database, open_database

__all__ = ["Database", "open_database"]
