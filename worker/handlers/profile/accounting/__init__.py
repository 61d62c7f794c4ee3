"""What happened to every line: the tally, and the log of rejects and repairs."""
