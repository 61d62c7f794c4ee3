"""The HTML pages and their fragments."""
