"""Settling: whatever the times, nothing is settled before two equal looks a settle time apart."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ingest.filesets import members_digest
from ingest.settling import MAX_WAIT, SecondLook, Verdict, is_first_look_enough, judge
from ingest.work import Look, Member

START = datetime(2026, 1, 1, tzinfo=UTC)
seconds = st.floats(0, 1e6).map(lambda s: timedelta(seconds=s))
numbers = st.integers(0, 2**62)
looks = st.builds(Look, size_bytes=numbers, mtime_ns=numbers, ctime_ns=numbers, inode=numbers)
members = st.lists(st.builds(Member, path=st.binary(min_size=1, max_size=9), look=looks), unique_by=lambda m: m.path)


@given(st.booleans(), seconds, seconds, seconds, st.booleans())
def test_settled_means_equal_and_a_settle_time_apart(
    same: bool, passed: timedelta, settle: timedelta, waited: timedelta, is_catalogued: bool
) -> None:
    look = SecondLook(
        digest_before=b"a",
        digest_now=b"a" if same else b"b",
        first_look_at=START,
        now=START + passed,
        settle=settle,
        waiting_since=START - waited,
        is_catalogued=is_catalogued,
    )

    verdict, again_at = judge(look)

    assert (verdict is Verdict.SETTLED) == (same and passed >= settle)
    assert (again_at is None) == (verdict is Verdict.SETTLED)
    assert again_at is None or again_at > look.now or verdict is Verdict.EARLY
    assert (verdict is Verdict.STALLED) == (not same and not is_catalogued and waited + passed > MAX_WAIT)


def test_a_close_is_enough_only_without_a_settle_time() -> None:
    assert is_first_look_enough(timedelta(0), was_closed=True)
    assert not is_first_look_enough(timedelta(0), was_closed=False)
    assert not is_first_look_enough(timedelta(seconds=1), was_closed=True)


@given(members, st.randoms())
def test_a_digest_does_not_depend_on_the_order_of_members(some: list[Member], random: object) -> None:
    shuffled = sorted(some, key=lambda member: member.path[::-1])

    assert members_digest(shuffled) == members_digest(some)


@given(members, members)
def test_different_members_have_different_digests(one: list[Member], other: list[Member]) -> None:
    same = sorted(one, key=lambda m: m.path) == sorted(other, key=lambda m: m.path)

    assert (members_digest(one) == members_digest(other)) == same
