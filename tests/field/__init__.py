"""Files and values as people write them."""
