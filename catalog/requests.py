"""What commands ask of the running daemon, and its answers: rows, so that neither has to find the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from catalog.models.ingest import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that was taken."""

    id: int
    kind: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer; ``document`` is what the request gives, or ``{"problem": sentence}`` when it failed."""

    is_done: bool
    document: Mapping[str, Any]


def ask(connection: Connection, kind: str, arguments: Mapping[str, Any], *, actor_id: int | None, now: datetime) -> int:
    """Put a request and give its id."""
    row = {"kind": kind, "arguments": dict(arguments), "actor_id": actor_id, "asked_at": now, "state": "asked"}
    return connection.execute(insert(Request).values(row).returning(Request.id)).scalar_one()


def has_asked(connection: Connection) -> bool:
    """Tell whether a request waits; the daemon asks this before it takes the writer's lock."""
    return connection.execute(select(Request.id).where(Request.state == "asked").limit(1)).first() is not None


def take_asked(connection: Connection, *, limit: int = 20) -> tuple[Asked, ...]:
    """Take the oldest requests; they are ``taken`` from then on."""
    rows = connection.execute(
        select(Request.id, Request.kind, Request.arguments)
        .where(Request.state == "asked")
        .order_by(Request.id)
        .limit(limit)
    ).all()
    if rows:
        ids = [row.id for row in rows]
        connection.execute(update(Request).where(Request.id.in_(ids)).values(state="taken"))
    return tuple(Asked(id=row.id, kind=row.kind, arguments=row.arguments) for row in rows)


def answer(connection: Connection, request_id: int, given: Answer, *, now: datetime) -> None:
    """Answer a request."""
    state = "done" if given.is_done else "failed"
    connection.execute(
        update(Request)
        .where(Request.id == request_id)
        .values(state=state, answer=dict(given.document), answered_at=now)
    )


def answer_to(connection: Connection, request_id: int) -> Answer | None:
    """Give the answer to a request, None while there is none."""
    row = connection.execute(select(Request.state, Request.answer).where(Request.id == request_id)).one()
    if row.state not in ("done", "failed"):
        return None
    return Answer(is_done=row.state == "done", document=row.answer or {})


def withdraw(connection: Connection, request_id: int) -> None:
    """Take a request back that nobody has taken yet."""
    connection.execute(
        update(Request)
        .where(Request.id == request_id, Request.state == "asked")
        .values(state="failed", answer={"problem": "it was withdrawn"})
    )


def ask_again(connection: Connection) -> int:
    """Let the requests that an earlier daemon took and never answered be taken again; gives how many."""
    return connection.execute(update(Request).where(Request.state == "taken").values(state="asked")).rowcount


def forget_before(connection: Connection, before: datetime) -> int:
    """Delete answered requests that are older; gives how many."""
    return connection.execute(Request.__table__.delete().where(Request.answered_at < before)).rowcount
