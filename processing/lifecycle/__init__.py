"""The one place that changes a status. Each change: commit, publish the event, then ack.

A crash between two of these steps makes a later one happen again, never not at all.
"""

from processing.lifecycle.requests import Requests, Upload
from processing.lifecycle.work import Claimed, Claims, Work

__all__ = ["Claimed", "Claims", "Lifecycle", "Upload"]


class Lifecycle(Requests, Work):
    """Every transition of a processing file, for both programs."""
