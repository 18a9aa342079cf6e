"""A file's hash is that of its bytes, however its content was gone through before."""

import hashlib
import io
import random

import pytest

from ingest.fingerprint import HashedContent, hash_stream, new_hash

CONTENT = random.Random(3).randbytes(50_000)


@pytest.mark.parametrize("hasher", ["sha256", "blake3", "xxh3-128"])
@pytest.mark.parametrize("seed", range(8))
def test_pieces_in_any_order_leave_the_hash_as_it_is(hasher: str, seed: int) -> None:
    numbers = random.Random(seed)
    stream = HashedContent(CONTENT, hasher)
    for _ in range(seed * 3):
        start = numbers.randrange(len(CONTENT) + 10)
        end = start + numbers.randrange(20_000)
        assert bytes(stream.piece(start, end)) == CONTENT[start:end]
        stream.seek(numbers.randrange(len(CONTENT)))
    whole = new_hash(hasher)
    whole.update(CONTENT)
    assert hash_stream(hasher, stream) == whole.hexdigest()
    assert hash_stream(hasher, stream) == whole.hexdigest()


def test_another_hash_than_the_one_on_the_way_is_made_of_all_of_it() -> None:
    stream = HashedContent(CONTENT, "xxh3-128")
    stream.piece(0, 100)
    assert (
        hash_stream("sha256", stream)
        == hashlib.sha256(CONTENT).hexdigest()
        == hash_stream("sha256", io.BytesIO(CONTENT))
    )
