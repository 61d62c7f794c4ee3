"""Mutation testing: breaks the code in small ways and counts what the tests notice."""
