"""The command-line client: what the API offers, from a shell."""
