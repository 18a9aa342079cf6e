"""One module a command: a function from acting user and arguments to a document, and its printer."""
