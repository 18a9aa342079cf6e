"""Which account works on the catalogue: root becomes the account that the state directory belongs to."""

import os
import pwd
from pathlib import Path


def account_name() -> str:
    """Give the name of the operating-system user, the number when the account has none."""
    return name_of(os.geteuid())


def name_of(uid: int) -> str:
    """Give an account's name, its number when it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def become_owner_of(state_dir: Path) -> None:
    """Change from root to the account that the state directory belongs to, for good.

    Else root would leave files there that the service's own account can't open. Nothing happens to other accounts,
    nor when the directory is root's or missing.
    """
    if os.geteuid() != 0:
        return
    try:
        found = state_dir.stat()
    except OSError:
        return
    if found.st_uid != 0:
        become(found.st_uid, found.st_gid)


def become(uid: int, gid: int) -> None:
    """Change to another account with its groups; ``gid`` counts where the account has no entry."""
    try:
        account = pwd.getpwuid(uid)
    except KeyError:
        os.setgroups([])
    else:
        gid = account.pw_gid
        os.initgroups(account.pw_name, gid)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
