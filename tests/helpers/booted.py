"""A machine in private namespaces: an overlay of this one's files, booted with the real systemd. Needs root."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.program import PATIENCE_S, wait_until

SYSTEMD = Path("/lib/systemd/systemd")
LIBRARIES_SHOWN = Path("/opt/libraries")
_NEEDED = ("unshare", "nsenter", "chroot", "mount", "systemctl", "journalctl")
#: What a machine starts that has no use here, or waits for hardware that a namespace has not.
_MASKED = (
    "systemd-udevd.service", "systemd-udev-trigger.service", "systemd-udevd-control.socket",
    "systemd-udevd-kernel.socket", "systemd-modules-load.service", "systemd-sysctl.service",
    "systemd-timesyncd.service", "systemd-random-seed.service", "systemd-binfmt.service", "systemd-logind.service",
    "systemd-update-utmp.service", "systemd-journal-flush.service", "systemd-firstboot.service", "dbus.service",
    "dbus.socket", "tmp.mount", "systemd-tmpfiles-setup.service", "systemd-tmpfiles-clean.timer",
    "swap.target", "local-fs.target", "remote-fs.target", "nss-user-lookup.target",
    "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount", "sys-fs-fuse-connections.mount",
    "dev-hugepages.mount", "dev-mqueue.mount", "systemd-tmpfiles-setup-dev.service", "apt-daily.timer",
    "systemd-remount-fs.service", "systemd-machine-id-commit.service", "proc-sys-fs-binfmt_misc.automount",
    "keyboard-setup.service", "console-setup.service", "networking.service", "hwclock.service",
)  # fmt: skip
_BOOT = """
set -eu
mount --make-rprivate /
mount -t tmpfs -o size=2g tmpfs "$PLACE"
mkdir "$PLACE/upper" "$PLACE/work" "$PLACE/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$PLACE/upper,workdir=$PLACE/work" "$PLACE/root"
cd "$PLACE/root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/shm dev/pts
for node in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "dev/${node%%:*}" c 1 "${node##*:}"; done
mknod -m 666 dev/tty c 5 0
ln -s /proc/self/fd dev/fd; ln -s pts/ptmx dev/ptmx
mkdir -p etc/systemd/system
for unit in $MASKED; do ln -sf /dev/null "etc/systemd/system/$unit"; done
printf '[Unit]\\nRequires=sysinit.target basic.target\\nAfter=basic.target\\nAllowIsolate=yes\\n' > test.target
mv test.target etc/systemd/system/
: > etc/fstab
echo coverslip-test > etc/hostname
rm -f etc/machine-id; echo 0123456789abcdef0123456789abcdef > etc/machine-id
for folder in $READABLE; do chmod a+rx "$PLACE/root$folder"; done
mkdir -p "$PLACE/root$LIBRARIES_SHOWN"
mount --bind "$PLACE/root$LIBRARIES" "$PLACE/root$LIBRARIES_SHOWN"
mkdir run/old
pivot_root . run/old
exec chroot . /bin/sh -c '
    umount -l /run/old && rmdir /run/old && mount --make-rshared /
    PATH=/usr/sbin:/usr/bin:/sbin:/bin exec env -i container=coverslip PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
        /lib/systemd/systemd --system --unit=test.target --log-target=journal --show-status=no'
"""


def why_not() -> str | None:
    """Say why no machine can be booted here; None when one can."""
    if os.geteuid() != 0:
        return "it has to be root"
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing or not SYSTEMD.exists():
        return f"{', '.join(missing) or SYSTEMD} is not installed"
    tried = subprocess.run(["unshare", "-mpuinC", "--fork", "true"], capture_output=True, text=True, check=False)
    return tried.stderr.strip() or "no namespaces" if tried.returncode else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A booted machine; ``pid`` is its systemd as seen from here."""

    pid: int

    def run(
        self, *command: str | Path, check: bool = True, environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as root."""
        given = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "NO_COLOR": "1", "SYSTEMD_PAGER": ""} | dict(environ or {})
        done = subprocess.run(
            ["nsenter", "-t", str(self.pid), "-a", "-r", "-w", "--", *map(str, command)],
            env=given, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise AssertionError(
                f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}\n{self.journal()}"
            )
        return done

    def shell(self, line: str) -> str:
        """Run a line of shell in it and give what it says."""
        return self.run("sh", "-c", line).stdout

    def show(self, unit: str, field: str) -> str:
        """Give a property of a unit."""
        return self.run("systemctl", "show", "-p", field, "--value", unit).stdout.strip()

    def journal(self, unit: str = "coverslip") -> str:
        """Give what a unit said."""
        return self.run("journalctl", "-u", unit, "-o", "cat", "--no-pager", check=False).stdout

    def write(self, path: str, text: str) -> None:
        """Write a file in it."""
        line = 'mkdir -p "$(dirname "$1")" && cat > "$1"'
        entered = ["nsenter", "-t", str(self.pid), "-a", "-r", "-w", "--"]
        subprocess.run([*entered, "sh", "-c", line, "sh", path], input=text, text=True, check=True, timeout=PATIENCE_S)


@contextmanager
def booted(place: Path, *, readable: tuple[Path, ...], libraries: Path) -> Iterator[Machine]:
    """Boot a machine for the length of a with block; ``readable`` paths are opened to all accounts in it only.

    ``libraries`` are found at LIBRARIES_SHOWN in it: a service has a /tmp of its own, and the checkout may lie in ours.
    """
    opened = (*readable, libraries)
    folders = sorted({str(folder) for path in opened for folder in (path, *path.parents)} - {"/"})
    process = subprocess.Popen(
        ["unshare", "-mpuinC", "--fork", "--kill-child", "bash", "-c", _BOOT],
        env={
            "PATH": os.environ["PATH"], "PLACE": str(place),
            "MASKED": " ".join(_MASKED), "READABLE": " ".join(folders),
            "LIBRARIES": str(libraries), "LIBRARIES_SHOWN": str(LIBRARIES_SHOWN),
        },
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        machine = Machine(pid=wait_until(lambda: _systemd_below(process)))
        wait_until(lambda: machine.show("test.target", "ActiveState") == "active")
        yield machine
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.stderr is not None
        sys.stderr.write(process.stderr.read().decode(errors="replace"))
        process.stderr.close()


def _systemd_below(process: "subprocess.Popen[bytes]") -> int:
    """Give the pid of the booted systemd once it answers, else 0."""
    assert process.poll() is None, process.stderr and process.stderr.read().decode()
    for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        is_systemd = Path(f"/proc/{child}/comm").read_text().strip() == "systemd"
        asked = ["nsenter", "-t", child, "-a", "-r", "-w", "--", "systemctl", "show", "-p", "Version"]
        if is_systemd and subprocess.run(asked, capture_output=True, check=False).returncode == 0:
            return int(child)
    return 0


def seconds(began: float) -> float:
    """Tell how long something took."""
    return time.monotonic() - began
