"""${message}"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Change the schema, on both databases."""
    ${upgrades if upgrades else "op.execute('')"}
