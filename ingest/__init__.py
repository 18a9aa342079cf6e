"""From files on disk to a record in the catalogue."""
