"""The web program: takes files in, shows everyone the state live."""
