"""Statistics and warnings of every column of the typed table."""
