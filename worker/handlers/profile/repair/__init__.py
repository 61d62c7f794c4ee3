"""Reading a file record by record: each record is normalized, repaired or rejected."""
