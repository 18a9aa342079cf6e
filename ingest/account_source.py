"""The machine's account database as it is asked: pwd, grp and login.defs. The only place that calls them."""

import grp
import os
import pwd
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One login of the machine."""

    name: str
    uid: int
    gid: int
    full_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountGroup:
    """One group of the machine, with the logins it lists (not those that have it as their first group)."""

    name: str
    gid: int
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IdRange:
    """The ids that people and their groups have, both ends included."""

    uid_min: int = 1000
    uid_max: int = 60000
    gid_min: int = 1000
    gid_max: int = 60000


class AccountSource(Protocol):
    """Answers about accounts; every method raises OSError when the directory service is out of reach."""

    def accounts(self) -> tuple[Account, ...]:
        """List the accounts that can be listed."""
        ...

    def groups(self) -> tuple[AccountGroup, ...]:
        """List the groups that can be listed."""
        ...

    def account(self, key: int | str) -> Account | None:
        """Find one account by uid or name, also one that is not listed."""
        ...

    def group(self, key: int | str) -> AccountGroup | None:
        """Find one group by gid or name, also one that is not listed."""
        ...

    def local_names(self) -> frozenset[str]:
        """List the logins that stand in the machine's own file, not in a directory service."""
        ...


class MachineSource:
    """The real machine."""

    def accounts(self) -> tuple[Account, ...]:
        """List what pwd lists."""
        return tuple(_account(entry) for entry in pwd.getpwall())

    def groups(self) -> tuple[AccountGroup, ...]:
        """List what grp lists."""
        return tuple(_group(entry) for entry in grp.getgrall())

    def account(self, key: int | str) -> Account | None:
        """Ask pwd for one."""
        try:
            return _account(pwd.getpwuid(key) if isinstance(key, int) else pwd.getpwnam(key))
        except (KeyError, ValueError):
            return None

    def group(self, key: int | str) -> AccountGroup | None:
        """Ask grp for one."""
        try:
            return _group(grp.getgrgid(key) if isinstance(key, int) else grp.getgrnam(key))
        except (KeyError, ValueError):
            return None

    def local_names(self) -> frozenset[str]:
        """Read the names in /etc/passwd."""
        try:
            text = Path("/etc/passwd").read_text(encoding="utf-8", errors="surrogateescape")
        except FileNotFoundError:
            return frozenset()
        return frozenset(line.partition(":")[0] for line in text.splitlines())


def _account(entry: pwd.struct_passwd) -> Account:
    full_name = entry.pw_gecos.partition(",")[0]
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, full_name=full_name)


def _group(entry: grp.struct_group) -> AccountGroup:
    return AccountGroup(name=entry.gr_name, gid=entry.gr_gid, members=tuple(entry.gr_mem))


def id_range(login_defs: Path = Path("/etc/login.defs")) -> IdRange:
    """Read the machine's UID_MIN to UID_MAX and GID_MIN to GID_MAX; the usual ones where nothing is said."""
    try:
        text = login_defs.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return IdRange()
    said = {name: int(value, 0) for name, value in _SETTING.findall(text)}
    usual = IdRange()
    return IdRange(
        uid_min=said.get("UID_MIN", usual.uid_min),
        uid_max=said.get("UID_MAX", usual.uid_max),
        gid_min=said.get("GID_MIN", usual.gid_min),
        gid_max=said.get("GID_MAX", usual.gid_max),
    )


_SETTING = re.compile(r"^\s*([UG]ID_M(?:IN|AX))\s+(0[xX][0-9A-Fa-f]+|[1-9][0-9]*|0)\s*$", re.MULTILINE)


def own_uid() -> int:
    """Give the uid that this process runs as."""
    return os.geteuid()
