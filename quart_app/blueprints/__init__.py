"""The routes, one file per subject; they ask and answer, the rest is done elsewhere."""
