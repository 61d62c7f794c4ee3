"""Accounts for every line: the tally, and the logs of rejects and repairs."""
