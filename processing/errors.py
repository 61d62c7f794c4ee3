"""Every exception of the core, in one tree; the docstrings say when each is raised.

MillraceError
├── InvalidSettings         an environment variable has an invalid value
├── ServiceUnavailable      a required server does not answer
│   ├── DatabaseUnavailable        … PostgreSQL
│   └── RedisUnavailable           … Redis
├── StreamLost              the job stream or its group no longer exists: rebuild it
├── NotFound                no processing file or upload with this id, or its data was deleted
├── Conflict                the status of the file does not allow the request
│   ├── OffsetConflict      the client resumes an upload at the wrong offset
│   └── UploadLocked        another request is writing to the same upload
└── Refused                 the request is not accepted
    ├── BadQuery            a parameter is invalid
    ├── BadForm             the body is not the required multipart form
    ├── BadName             the file name is invalid
    ├── BadDigest           the bytes do not match their digest
    │   └── BadChecksum     … in one chunk of a resumable upload
    ├── TooSlow             the body arrives below the minimum rate
    ├── NotCsv              the file is not CSV
    ├── EmptyFile           the file is empty
    ├── UnknownHandler      no worker offers this handler
    ├── KeyReused           the Idempotency-Key was used for another request
    ├── TooLarge            the file exceeds MAX_UPLOAD_MB
    ├── TooMany             too many at once; a later request may be accepted
    └── DiskFull            the disk or the storage limit is full
"""


class MillraceError(Exception):
    """Root of all errors that Millrace raises on purpose."""


class InvalidSettings(MillraceError):
    """An environment variable has an invalid value."""


class ServiceUnavailable(MillraceError):
    """A required server does not answer.

    ``service`` is its name, ``problem`` what identifies the error to API clients.
    """

    service = "A service"
    problem = "service-unavailable"


class DatabaseUnavailable(ServiceUnavailable):
    """PostgreSQL does not answer."""

    service = "PostgreSQL"
    problem = "database-away"


class RedisUnavailable(ServiceUnavailable):
    """Redis does not answer."""

    service = "Redis"
    problem = "redis-away"


class StreamLost(MillraceError):
    """The job stream or its group no longer exists in Redis; it can be rebuilt from the rows."""


class NotFound(MillraceError):
    """No processing file or upload has this id, or its data was deleted."""


class Conflict(MillraceError):
    """The status of the file does not allow the request; ``status`` is the HTTP status."""

    status = 409


class OffsetConflict(Conflict):
    """The client resumes an upload at the wrong offset."""


class UploadLocked(Conflict):
    """Another request is writing to the same upload."""

    status = 423


class Refused(MillraceError):
    """The request is not accepted; ``status`` is the HTTP status."""

    status = 400


class BadQuery(Refused):
    """A parameter is invalid."""


class BadForm(Refused):
    """The body is not the required multipart form."""


class BadName(Refused):
    """The file name is invalid."""


class BadDigest(Refused):
    """The bytes do not match their digest."""


class BadChecksum(BadDigest):
    """The bytes of a chunk do not match its checksum; tus defines status 460 for it."""

    status = 460


class TooSlow(Refused):
    """The body arrives below the minimum rate (SLOW_UPLOAD_SECONDS)."""

    status = 408


class NotCsv(Refused):
    """The file is not CSV, by its media type or by its content."""

    status = 415


class EmptyFile(Refused):
    """The file is empty."""

    status = 422


class UnknownHandler(Refused):
    """No worker offers this handler."""

    status = 422


class KeyReused(Refused):
    """The Idempotency-Key was used for another request."""

    status = 422


class TooLarge(Refused):
    """The file exceeds MAX_UPLOAD_MB."""

    status = 413


class TooMany(Refused):
    """Too many at once; the client may try again in ``seconds``."""

    status = 429

    def __init__(self, text: str, seconds: int = 5) -> None:
        super().__init__(text)
        self.seconds = seconds


class DiskFull(Refused):
    """The disk or the storage limit is full."""

    status = 507
