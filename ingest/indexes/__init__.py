"""Instruments' own index files: what they say of the pictures that lie beside them, as frozen values."""
