"""Make the whole schema of the first release, from the statements that lie beside this file."""

from pathlib import Path

from alembic import op

#: With the day of the last change by which an earlier catalogue would be misread; until the first release.
revision = "0001_2026_11_26"
down_revision = None

#: Stands alone on a line between two statements.
SEPARATOR = "\n-- next\n"


def upgrade() -> None:
    """Run every statement for this database."""
    dialect = op.get_bind().dialect.name
    for statement in Path(__file__).with_name(f"r0001_first.{dialect}.sql").read_text().split(SEPARATOR):
        op.get_bind().exec_driver_sql(statement)
