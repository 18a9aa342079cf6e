"""How many jobs are claimed together: many small files, few large ones."""

from catalog.claims import FEW_JOBS, SMALL_BYTES, count_to_claim
from catalog.looks import MemberRow


def files_of(*sizes: int) -> tuple[MemberRow, ...]:
    return tuple(MemberRow(path=b"a", size_bytes=size, mtime_ns=0, ctime_ns=0, inode=0) for size in sizes)


def test_small_files_are_claimed_many_at_a_time() -> None:
    assert count_to_claim([files_of(131_000)] * 100) == 100


def test_large_files_are_claimed_few_at_a_time() -> None:
    assert count_to_claim([files_of(1 << 30)] * 100) == FEW_JOBS
    assert count_to_claim([files_of(1 << 30)] * 3) == 3


def test_files_of_an_image_of_many_count_together() -> None:
    assert count_to_claim([files_of(*[SMALL_BYTES // 100] * 2)] * 100) == 50


def test_a_large_file_behind_small_ones_waits_for_the_next_batch() -> None:
    assert count_to_claim([files_of(1000)] * 40 + [files_of(SMALL_BYTES)] + [files_of(1000)] * 10) == 40


def test_jobs_without_files_are_claimed_too() -> None:
    assert count_to_claim([()] * 30) == 30
    assert count_to_claim([]) == 0
