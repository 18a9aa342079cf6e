"""What a file that is held for `apply` was found to describe: it has no fileset that could keep it."""

from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary

from catalog.models.base import Base, BigId, Document, Stored


class HeldSet(Base):
    """The files that a held one names; it counts while that is held, and goes with it."""

    __tablename__ = "held_set"
    __table_args__ = (
        ForeignKeyConstraint(
            ["directory_id", "name"],
            ["sighting.directory_id", "sighting.name"],
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        Index("ix_held_set_root_id", "root_id"),
    )

    directory_id: Stored[int] = Stored(BigId, primary_key=True)
    name: Stored[bytes] = Stored(LargeBinary(255), primary_key=True)
    root_id: Stored[int] = Stored(BigId, "root.id")
    #: The base names in its folder, or paths below it, of the files that it names, each as hexadecimal bytes.
    names: Stored[list[Any]] = Stored(Document)
    #: Each of the named files describes all of them: the first in natural order is the main one.
    is_mutual: Stored[bool]
