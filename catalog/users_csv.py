"""Users from a CSV file: one a line, all problems told with their lines."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

from catalog.errors import Refused
from catalog.given_names import bad_name
from catalog.users import NewUser, refuse_all
from config.lookups import delimiter_of

CSV_COLUMNS = ("name", "full_name", "email", "groups", "default_group", "administrator", "until", "aliases")
_YES, _NO = frozenset({"yes", "true", "1"}), frozenset({"", "no", "false", "0"})


def read_users_csv(text: str, file: str) -> tuple[NewUser, ...]:
    """Read users from CSV text with a header line; several groups or aliases in a cell are divided by semicolons.

    Columns are `CSV_COLUMNS`, only ``name`` is needed. Raises Refused with file and line of each problem.
    """
    text = text.removeprefix("\ufeff")
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter_of(text), strict=True)
    users: list[NewUser] = []
    problems: list[str] = []
    try:
        rows.fieldnames = _header([*(rows.fieldnames or ())], file)
        for row in rows:
            try:
                users.append(_user_of(row, f"{file}:{rows.line_num}"))
            except Refused as error:
                problems.append(str(error))
    except csv.Error as error:
        problems.append(f"{file}:{rows.line_num}: this is no CSV: {error}")
    refuse_all(problems)
    return tuple(users)


def _header(fields: list[str], file: str) -> list[str]:
    header = [column.strip() for column in fields]
    if "name" not in header or (unknown := set(header) - set(CSV_COLUMNS)):
        wrong = f"unknown columns {', '.join(sorted(unknown))}" if "name" in header else "no column `name`"
        raise Refused(f"{file}:1: {wrong}; columns are {', '.join(CSV_COLUMNS)}")
    if len(set(header)) < len(header):
        raise Refused(f"{file}:1: a column stands twice; columns are {', '.join(CSV_COLUMNS)}")
    return header


def _user_of(row: dict[str, Any], place: str) -> NewUser:
    if None in row or None in row.values():
        raise Refused(f"{place}: this line has more or fewer fields than the header")
    text = {column: value.strip() for column, value in row.items()}
    if problem := bad_name(text["name"]):
        raise Refused(f"{place}: the name {text['name']!r} {problem}")
    return NewUser(
        name=text["name"],
        full_name=text.get("full_name") or None,
        email=text.get("email") or None,
        groups=_several(text.get("groups", "")),
        default_group=text.get("default_group") or None,
        is_administrator=_yes_or_no(text.get("administrator", ""), place),
        until=_day(text.get("until", ""), place),
        aliases=_several(text.get("aliases", "")),
        place=place,
    )


def _several(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(";") if part.strip()))


def _yes_or_no(text: str, place: str) -> bool:
    if text.casefold() not in _YES | _NO:
        raise Refused(f"{place}: administrator is yes or no, not {text!r}")
    return text.casefold() in _YES


def _day(text: str, place: str) -> datetime | None:
    if not text:
        return None
    try:
        # A day without a time zone begins as it does here, as on the command line.
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Refused(f"{place}: until is a day as 2027-03-31, not {text!r}") from error
