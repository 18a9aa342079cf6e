"""Who is in which group, by whose word: file, hand or system. A member is one while any source holds it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, insert, select, update

from catalog.errors import FixedByFile, Refused
from catalog.models.people import Experimenter, Membership
from catalog.people_edit import PeopleEdit, group_to_manage, person_named, require_free


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberChange:
    """What a change of membership came to, as the command shows it."""

    group: str
    user: str
    is_member: bool
    is_owner: bool
    until: datetime | None = None


def join(edit: PeopleEdit, group: str, user: str, *, until: datetime | None = None) -> MemberChange:
    """Put a person into a group by hand; ``until`` is when that ends by itself. Doing it again changes ``until``."""
    place = group_to_manage(edit, group)
    person = person_named(edit, user)
    require_free(edit, f"groups.{group}.members")
    _require_future(edit, until)
    is_owner = _by_hand(edit, person.id, place.id) or False
    put_member(edit, person.id, place.id, source="hand", is_owner=is_owner, until=until)
    return MemberChange(group=group, user=user, is_member=True, is_owner=is_owner, until=until)


def leave(edit: PeopleEdit, group: str, user: str) -> MemberChange:
    """Take a person's membership by hand back; the data stays. What the file or the machine says can't be taken."""
    place = group_to_manage(edit, group)
    person = person_named(edit, user, active=False)
    sources = _sources(edit, person.id, place.id)
    if not sources:
        raise Refused(f"{user} is not a member of {group}")
    if "file" in sources:
        require_free(edit, f"groups.{group}.members", f"groups.{group}.owners")
        raise FixedByFile(
            f"{user} is in {group} by the configuration file; take the name out of groups: {group}: there"
        )
    if sources == {"system"}:
        raise Refused(f"{user} is in {group} by the machine's accounts; take the account out of that group there")
    drop_member(edit, person.id, place.id, source="hand")
    return MemberChange(group=group, user=user, is_member="system" in sources, is_owner=False)


def set_group_owner(edit: PeopleEdit, group: str, user: str, *, is_owner: bool = True) -> MemberChange:
    """Make a member a group owner, or no longer one; a person who is no member becomes one."""
    place = group_to_manage(edit, group)
    person = person_named(edit, user)
    require_free(edit, f"groups.{group}.owners")
    sources = _sources(edit, person.id, place.id)
    if not is_owner and not sources:
        raise Refused(f"{user} is not a member of {group}")
    if not sources:
        require_free(edit, f"groups.{group}.members")
    if is_owner or "hand" in sources:
        until = _until(edit, person.id, place.id)
        put_member(edit, person.id, place.id, source="hand", is_owner=is_owner, until=until)
    return MemberChange(group=group, user=user, is_member=True, is_owner=is_owner)


def put_member(
    edit: PeopleEdit, person_id: int, group_id: int, *, source: str, is_owner: bool, until: datetime | None = None
) -> bool:
    """Write one source's word that a person is a member; say whether anything changed. Judges no rights."""
    membership = Membership.__table__
    key = _key(person_id, group_id, source)
    query = select(membership.c.is_owner, membership.c.until_at).where(*key)
    before = edit.connection.execute(query).one_or_none()
    if before is not None and (before.is_owner, before.until_at) == (is_owner, until):
        return False
    values = {"is_owner": is_owner, "until_at": until}
    if before is None:
        row = {"experimenter_id": person_id, "group_id": group_id, "source": source, "created_at": edit.now, **values}
        edit.connection.execute(insert(Membership).values(row))
    else:
        edit.connection.execute(update(Membership).where(*key).values(values))
    told = {
        "group_id": group_id,
        "source": source,
        "is_owner": is_owner,
        "until": until.isoformat() if until is not None else None,
    }
    edit.note("member_joined" if before is None else "member_changed", "experimenter", person_id, after=told)
    return True


def drop_member(edit: PeopleEdit, person_id: int, group_id: int, *, source: str) -> None:
    """Take one source's word back. Judges no rights."""
    edit.connection.execute(delete(Membership).where(*_key(person_id, group_id, source)))
    edit.note("member_left", "experimenter", person_id, before={"group_id": group_id, "source": source})


def _key(person_id: int, group_id: int, source: str) -> tuple[ColumnElement[bool], ...]:
    return (
        Membership.experimenter_id == person_id,
        Membership.group_id == group_id,
        Membership.source == source,
    )


def _sources(edit: PeopleEdit, person_id: int, group_id: int) -> set[str]:
    query = select(Membership.source).where(Membership.experimenter_id == person_id, Membership.group_id == group_id)
    return set(edit.connection.execute(query).scalars())


def _by_hand(edit: PeopleEdit, person_id: int, group_id: int) -> bool | None:
    query = select(Membership.is_owner).where(*_key(person_id, group_id, "hand"))
    return edit.connection.execute(query).scalar_one_or_none()


def _until(edit: PeopleEdit, person_id: int, group_id: int) -> datetime | None:
    query = select(Membership.until_at).where(*_key(person_id, group_id, "hand"))
    return edit.connection.execute(query).scalar_one_or_none()


def _require_future(edit: PeopleEdit, until: datetime | None) -> None:
    if until is not None and until <= edit.now:
        raise Refused(f"--until {until:%Y-%m-%d} is past; give a day to come")


def active_members(edit: PeopleEdit, group_id: int) -> set[int]:
    """Give the ids of the people in a group now."""
    query = (
        select(Membership.experimenter_id)
        .join(Experimenter, Experimenter.id == Membership.experimenter_id)
        .where(Membership.group_id == group_id, Experimenter.closed_at.is_(None))
        .where((Membership.until_at.is_(None)) | (Membership.until_at > edit.now))
    )
    return set(edit.connection.execute(query).scalars())
