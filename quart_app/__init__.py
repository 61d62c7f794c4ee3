"""The web process: receives files and shows everyone their state live."""
