"""Tables of the catalogue, by theme."""
