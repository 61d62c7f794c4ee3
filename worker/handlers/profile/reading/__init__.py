"""From uploaded bytes to lines of UTF-8 text and to the cells of a record."""
