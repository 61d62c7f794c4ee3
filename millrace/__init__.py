"""The `millrace` command: the client's commands, and those that start or prepare a server."""
