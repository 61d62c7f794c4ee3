"""The worker program: consumes the job stream and grinds files in killable child processes."""
