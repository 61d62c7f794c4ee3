"""Other readers, run in an environment of their own."""
