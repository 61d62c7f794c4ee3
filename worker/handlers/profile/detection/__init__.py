"""What the file is: its sample, dialect, layout, header."""
