"""Live updates: one reader of the event stream per process, rendered once for all its clients."""
