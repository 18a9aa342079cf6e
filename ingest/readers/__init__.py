"""Readers of image formats: one file a format, chosen by magic bytes, then suffix."""
