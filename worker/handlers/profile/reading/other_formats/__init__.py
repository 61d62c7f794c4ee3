"""Formats that are not CSV: recognised, named and refused."""
