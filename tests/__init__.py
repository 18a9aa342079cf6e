"""Tests, by height."""
