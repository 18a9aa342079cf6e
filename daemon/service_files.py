"""Where systemd's files for Coverslip lie, and the commands that install them."""

import shlex
import sys
from pathlib import Path


def systemd_folder() -> Path | None:
    """Find the folder with the unit: in the installation, else in the checkout; None when there is neither."""
    places = (Path(sys.prefix) / "share" / "coverslip" / "systemd", Path(__file__).parents[1] / "systemd")
    return next((place for place in places if (place / "coverslip.service").is_file()), None)


def install_commands(program: Path, folder: Path) -> tuple[str, str, str]:
    """Give the three commands that install the service, to be run by root; the unit then starts this very program."""
    unit, source = "coverslip.service", shlex.quote(str(folder))
    replacement = shlex.quote(f's#^ExecStart=[^ ]*#ExecStart="{program}"#')
    return (
        f"cd {source} && install -m 644 coverslip.sysusers /etc/sysusers.d/coverslip.conf"
        " && install -m 644 coverslip.tmpfiles /etc/tmpfiles.d/coverslip.conf"
        " && install -m 644 60-coverslip-sysctl.conf /etc/sysctl.d/"
        f" && sed {replacement} {unit} > /etc/systemd/system/{unit}",
        "systemd-sysusers && systemd-tmpfiles --create && sysctl --system",
        "systemctl daemon-reload && systemctl enable --now coverslip",
    )
