"""From the uploaded bytes to lines of UTF-8 text and the cells of a record."""
