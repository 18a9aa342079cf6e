"""Faults 11 and 16: a bad edit while it runs, over a kill, and a good one; a second daemon by mistake."""

import os
import signal

from tests.helpers.invariants import snapshot
from tests.helpers.kill_stages import ADA
from tests.helpers.killable import REFUSED
from tests.helpers.live_daemon import LiveDaemon
from tests.helpers.pictures import put, tiff_bytes
from tests.helpers.program import wait_until

HELD = "smith-lab/zz9z/p/d/held.tif"


def break_configuration(live: LiveDaemon) -> None:
    """Edit the file badly: a key is misspelt, and the rule is another one."""
    text = live.configuration.read_text().replace("settle:", "setle:").replace("{group}/{owner}", "{owner}/{group}")
    live.configuration.write_text(text)
    os.kill(live.pid, signal.SIGHUP)


def refused(live: LiveDaemon) -> bool:
    line = next(n for n, text in enumerate(live.configuration.read_text().splitlines(), 1) if "setle:" in text)
    return f"coverslip.yaml:{line}:5" in (live.told().get("config_problem") or "")


def test_a_bad_edit_leaves_the_rules_in_force_over_a_kill_and_a_good_one_loses_nothing_pending(
    live: LiveDaemon,
) -> None:
    wait_until(lambda: bool(live.told()))
    first = live.told()["config_version"]
    put(live.data / HELD, tiff_bytes(50))
    complete = {}
    for number in range(12):
        complete[f"{ADA}/d/{number}.tif"] = 1
        put(live.data / f"{ADA}/d/{number}.tif", tiff_bytes(number))
        if number == 6:
            break_configuration(live)
    wait_until(lambda: refused(live))
    wait_until(lambda: live.violations(complete) == [])
    assert live.told()["config_version"] == first
    assert any("the last good one is in force" in problem for problem in live.told()["problems"])

    live.kill_and_restart()
    complete[f"{ADA}/d/after.tif"] = 1
    put(live.data / f"{ADA}/d/after.tif", tiff_bytes(30))
    wait_until(lambda: refused(live))
    assert live.told()["config_version"] == first
    wait_until(lambda: live.violations(complete) == [])

    for number in range(20, 32):
        complete[f"{ADA}/d/{number}.tif"] = 1
        put(live.data / f"{ADA}/d/{number}.tif", tiff_bytes(number))
        if number == 26:
            live.configure(is_released=True)
            os.kill(live.pid, signal.SIGHUP)
    complete[HELD] = 1
    before = {"confocal": snapshot(live.data)}
    wait_until(lambda: live.violations(complete, before=before) == [])
    wait_until(lambda: live.told()["config_version"] != first)
    assert live.told()["config_problem"] is None


def test_a_second_instance_is_refused_names_the_first_and_changes_nothing(live: LiveDaemon) -> None:
    wait_until(lambda: bool(live.told()))
    complete = {}
    for number in range(3):
        complete[f"{ADA}/d/{number}.tif"] = 1
        put(live.data / f"{ADA}/d/{number}.tif", tiff_bytes(number))
        assert live.forked.run_once(live.folder) == REFUSED
    assert live.logged().count(f"another instance is running: pid {live.pid} on") == 3
    wait_until(lambda: live.violations(complete) == [])
