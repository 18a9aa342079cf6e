"""Where systemd's files for Coverslip lie, and the commands that install them."""

import re
import shlex
import stat
import sys
from pathlib import Path

UNIT = "coverslip.service"
_PLAIN = re.compile(r"[\w/.@+-]+", re.ASCII)


def systemd_folder() -> Path | None:
    """Find the folder with the unit: in the installation, else in the checkout; None when there is neither."""
    places = (Path(sys.prefix) / "share" / "coverslip" / "systemd", Path(__file__).parents[1] / "systemd")
    return next((place for place in places if (place / UNIT).is_file()), None)


def installed_program() -> Path:
    """Give the program of this very installation, wherever it was called from."""
    return Path(sys.prefix) / "bin" / "coverslip"


def install_commands(program: Path, configuration: Path, folder: Path) -> tuple[str, str, str]:
    """Give the three commands that install the service, to be run by root: its unit starts this very program."""
    start = f"ExecStart={_unit_word(program)} run --config {_unit_word(configuration)}"
    replacement = shlex.quote("s#^ExecStart=.*#" + re.sub(r"([\\&#])", r"\\\1", start) + "#")
    return (
        f"cd {shlex.quote(str(folder))}"
        " && install -D -m 644 coverslip.sysusers /etc/sysusers.d/coverslip.conf"
        " && install -D -m 644 coverslip.tmpfiles /etc/tmpfiles.d/coverslip.conf"
        " && install -D -m 644 60-coverslip-sysctl.conf /etc/sysctl.d/60-coverslip.conf"
        f" && sed {replacement} {UNIT} > /etc/systemd/system/{UNIT}",
        "systemd-sysusers && systemd-tmpfiles --create coverslip.conf && sysctl -p /etc/sysctl.d/60-coverslip.conf",
        "systemctl daemon-reload && systemctl enable --now coverslip",
    )


def _unit_word(path: Path) -> str:
    # systemd takes no quotes or backslashes in a program's path, so none are escaped here.
    text = str(path).replace("%", "%%")
    return text if _PLAIN.fullmatch(text) else f'"{text}"'


def closed_folder(path: Path) -> Path | None:
    """Give the first folder on the way to a file that other accounts can't pass, None when the way is open."""
    for folder in reversed(path.resolve().parents):
        try:
            if not folder.stat().st_mode & stat.S_IXOTH:
                return folder
        except OSError:
            return folder
    return None
