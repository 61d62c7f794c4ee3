"""Reads a file record by record; each one is normalized, repaired or rejected."""
