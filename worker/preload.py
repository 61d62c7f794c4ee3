"""Imported once by the fork server, so that its children start with everything loaded.

Only imports: a query run here would start threads that no fork survives. The fork server itself
must die with the worker, or its children would outlive both.
"""

import os

from worker.death import die_with_parent
from worker.handlers import emulate, profile, registry

die_with_parent(os.getppid())

__all__ = ["emulate", "profile", "registry"]
