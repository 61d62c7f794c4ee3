"""Every exception of the core, in one tree; the docstrings say when each is raised.

MillraceError
├── InvalidSettings         the environment holds a value that cannot be used
├── ServiceUnavailable      a server that must answer does not
│   ├── DatabaseUnavailable        … PostgreSQL
│   └── RedisUnavailable           … Redis
├── StreamLost              the job stream or its group is gone from Redis: rebuild it
├── NotFound                no processing file or upload with this id, or its data is gone
├── Conflict                the file's status does not allow what was asked
│   ├── OffsetConflict      an upload goes on elsewhere than where the client thinks
│   └── UploadLocked        another request writes to the same upload
└── Refused                 a request that is not accepted, and why
    ├── BadQuery            a parameter cannot be used
    ├── BadForm             the body is not the multipart form we ask for
    ├── BadName             the file name cannot be used
    ├── BadDigest           the bytes are not those that the digest was taken of
    │   └── BadChecksum     … of one piece of a resumable upload
    ├── TooSlow             the body comes slower than the slowest line would bring it
    ├── NotCsv              the file is not of type text/csv, or not text at all
    ├── EmptyFile           the file has no bytes
    ├── UnknownHandler      no worker has offered this handler
    ├── KeyReused           the Idempotency-Key came with other bytes before
    ├── TooLarge            the file exceeds MAX_UPLOAD_MB
    ├── TooMany             too much at once; later it may be taken
    └── DiskFull            the disk, or what may be stored on it, has no room
"""


class MillraceError(Exception):
    """Root of all errors that Millrace raises on purpose."""


class InvalidSettings(MillraceError):
    """The environment holds a value that cannot be used."""


class ServiceUnavailable(MillraceError):
    """A server that must answer does not."""

    service = "A service"


class DatabaseUnavailable(ServiceUnavailable):
    """PostgreSQL does not answer."""

    service = "PostgreSQL"


class RedisUnavailable(ServiceUnavailable):
    """Redis does not answer."""

    service = "Redis"


class StreamLost(MillraceError):
    """The job stream or its group is gone from Redis; the rows know what to rebuild."""


class NotFound(MillraceError):
    """No processing file or upload with this id, or its data is gone."""


class Conflict(MillraceError):
    """The file's status does not allow what was asked."""

    status = 409


class OffsetConflict(Conflict):
    """An upload goes on elsewhere than where the client thinks."""


class UploadLocked(Conflict):
    """Another request writes to the same upload."""

    status = 423


class Refused(MillraceError):
    """A request is not accepted; ``status`` is the HTTP status that says so."""

    status = 400


class BadQuery(Refused):
    """A parameter cannot be used."""


class BadForm(Refused):
    """The body is not the multipart form we ask for."""


class BadName(Refused):
    """The file name cannot be used."""


class BadDigest(Refused):
    """The bytes are not those that the digest was taken of."""


class BadChecksum(BadDigest):
    """A piece's bytes are not those that its checksum was taken of; 460 is tus's status for it."""

    status = 460


class TooSlow(Refused):
    """The body comes slower than the slowest line would bring it."""

    status = 408


class NotCsv(Refused):
    """The file is not of type text/csv, or not text at all."""

    status = 415


class EmptyFile(Refused):
    """The file has no bytes."""

    status = 422


class UnknownHandler(Refused):
    """No worker has offered this handler."""

    status = 422


class KeyReused(Refused):
    """The Idempotency-Key came with other bytes before."""

    status = 422


class TooLarge(Refused):
    """The file exceeds MAX_UPLOAD_MB."""

    status = 413


class TooMany(Refused):
    """Too much at once; ``seconds`` from now it may be taken."""

    status = 429

    def __init__(self, text: str, seconds: int = 5) -> None:
        super().__init__(text)
        self.seconds = seconds


class DiskFull(Refused):
    """The disk, or what may be stored on it, has no room."""

    status = 507
