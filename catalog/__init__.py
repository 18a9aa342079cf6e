"""What is known: tables, writes, queries and permissions."""
