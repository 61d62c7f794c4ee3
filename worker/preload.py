"""Imported once by the fork server, so that its children start with everything loaded.

It only imports: a query would start threads, which a fork does not copy. The fork server must die
with the worker, or its children would outlive both.
"""

import os

from worker.handlers import emulate, profile, registry
from worker.parent_death import die_with_parent

die_with_parent(os.getppid())

__all__ = ["emulate", "profile", "registry"]
