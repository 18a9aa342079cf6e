"""Tests: what is read from the catalogue for a person."""
