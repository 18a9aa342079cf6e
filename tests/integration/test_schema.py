"""The tables as they are."""

import sqlalchemy

from catalog.engine import Catalogue
from catalog.models.all import metadata


def test_every_table_of_the_models_exists(catalogue: Catalogue) -> None:
    assert set(sqlalchemy.inspect(catalogue.engine).get_table_names()) >= set(metadata.tables)
