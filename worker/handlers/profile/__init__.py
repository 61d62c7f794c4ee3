"""The default handler: detects the format of a CSV, types, repairs and profiles it."""

from worker.handlers.profile.handler import profile

__all__ = ["profile"]
