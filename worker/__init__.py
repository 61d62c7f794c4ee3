"""The worker program: consumes the job stream and runs jobs in killable child processes."""
