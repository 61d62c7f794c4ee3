"""The web program: receives files and shows everyone their state live."""
