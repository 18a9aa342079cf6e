"""The laboratory of the query tests."""

import pytest

from catalog.engine import Catalogue
from tests.helpers.lab import Lab


@pytest.fixture
def lab(catalogue: Catalogue) -> Lab:
    return Lab(catalogue)
