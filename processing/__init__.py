"""The shared core: what a processing file is, where it lives, how it changes state."""
