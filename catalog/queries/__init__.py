"""Everything that is read from the catalogue for a person; no query without an acting user."""
