"""The default handler: works out what a CSV is, types it, profiles it, writes Parquet."""

from worker.handlers.profile.handler import profile

__all__ = ["profile"]
