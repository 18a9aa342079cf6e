"""Rules proposed for a tree that nobody explained, from its names alone. Pure."""
