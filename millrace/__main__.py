"""`python -m millrace`: the `millrace` command."""

from millrace.cli import main

main()
