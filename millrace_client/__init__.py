"""The command-line client. It knows the HTTP API and nothing of the programs behind it."""
