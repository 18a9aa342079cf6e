"""The type of a connection, for those above the catalogue that pass one on without using SQLAlchemy."""

from sqlalchemy import Connection

__all__ = ["Connection"]
