"""What `tag`, `kv` and `comment` have in common: their rows and how they are shown."""

from catalog.annotations import annotations
from catalog.documents import AnnotationDocument
from catalog.references import ObjectReference
from daemon.context import Context
from daemon.output import Output
from daemon.tables import DORMANT

Rows = tuple[AnnotationDocument, ...]
COLUMNS = ("id", "says", "by", "at", "")


def content(row: AnnotationDocument) -> str:
    """Give what an annotation says, for a column."""
    return ", ".join(f"{key}={value}" for key, value in row.pairs) if row.kind == "map" else row.value or ""


def show(rows: Rows, output: Output) -> None:
    """Print annotations as a table."""
    if not rows:
        output.message("none that you may see")
        return
    notes = [" ".join(note for note in (_rule(row), DORMANT if row.is_dormant else "") if note) for row in rows]
    output.table(
        COLUMNS,
        [(row.id, content(row), row.owner, row.linked_at, note) for row, note in zip(rows, notes, strict=True)],
        right=("id",),
    )


def _rule(row: AnnotationDocument) -> str:
    return "by the rules" if row.made_by == "rule" else ""


def listed(context: Context, target: ObjectReference, kind: str) -> Rows:
    """Give the annotations of one kind on an object."""
    with context.catalogue.reading() as connection:
        rows = annotations(connection, context.acting, target, kind=kind)
    context.tell_of_look_at(target)
    return rows
