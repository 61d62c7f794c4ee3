"""Every exception of the core, in one tree; the docstrings say when each is raised.

MillraceError
├── InvalidSettings         the environment holds a value that cannot be used
├── ServiceUnavailable      a server that must answer does not
│   ├── DatabaseAway        … PostgreSQL
│   └── RedisAway           … Redis
├── StreamLost              the job stream or its group is gone from Redis: rebuild it
├── NotFound                no processing file with this id, or its data is gone
├── Conflict                the file's status does not allow what was asked
└── Refused                 an upload that is not accepted, and why
    ├── NotCsv              the part is not of type text/csv
    ├── BadName             the file name cannot be used
    ├── BadForm             the body is not the multipart form we ask for
    ├── UnknownHandler      no worker has offered this handler
    ├── TooLarge            the file exceeds MAX_UPLOAD_MB
    └── DiskFull            the disk under MEDIA_ROOT has no room
"""


class MillraceError(Exception):
    """Root of all errors that Millrace raises on purpose."""


class InvalidSettings(MillraceError):
    """The environment holds a value that cannot be used."""


class ServiceUnavailable(MillraceError):
    """A server that must answer does not."""

    service = "A service"


class DatabaseAway(ServiceUnavailable):
    """PostgreSQL does not answer."""

    service = "PostgreSQL"


class RedisAway(ServiceUnavailable):
    """Redis does not answer."""

    service = "Redis"


class StreamLost(MillraceError):
    """The job stream or its group is gone from Redis; the rows know what to rebuild."""


class NotFound(MillraceError):
    """No processing file with this id, or its data is gone."""


class Conflict(MillraceError):
    """The file's status does not allow what was asked."""


class Refused(MillraceError):
    """An upload is not accepted; ``status`` is the HTTP status that says so."""

    status = 400


class NotCsv(Refused):
    """The part is not of type text/csv."""

    status = 415


class BadName(Refused):
    """The file name cannot be used."""


class BadForm(Refused):
    """The body is not the multipart form we ask for."""


class UnknownHandler(Refused):
    """No worker has offered this handler."""

    status = 422


class TooLarge(Refused):
    """The file exceeds MAX_UPLOAD_MB."""

    status = 413


class DiskFull(Refused):
    """The disk under MEDIA_ROOT has no room."""

    status = 507
