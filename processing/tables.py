"""The tables of PostgreSQL."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    func,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from processing.states import Status

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_TIME = DateTime(timezone=True)
_STATUS_LIST = ", ".join(f"'{status}'" for status in Status)

processing_file = Table(
    "processing_file",
    metadata,
    Column("id", BigInteger, Identity(always=False), primary_key=True),
    Column("name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("handler", Text, nullable=False),
    Column("options", JSONB, nullable=False, server_default=text("'{}'")),
    Column("status", Text, nullable=False, server_default=Status.WAITING.value),
    # The fencing token: every claim raises it, every later write of that claim requires it.
    Column("attempt", Integer, nullable=False, server_default="0"),
    # Attempts that count towards MAX_FAILURES; those handed back at a shutdown do not.
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("worker", Text),
    Column("lease_until", _TIME),
    Column("due_at", _TIME),
    Column("stage", Text),
    Column("progress", Double),
    Column("outcome", Text),
    Column("message", Text),
    Column("signal", Integer),
    Column("row_count", BigInteger),
    Column("column_count", Integer),
    Column("result", JSONB),
    Column("artifacts", JSONB, nullable=False, server_default=text("'[]'")),
    Column("peak_rss", BigInteger),
    Column("cpu_seconds", Double),
    Column("wall_seconds", Double),
    Column("uploaded_at", _TIME, nullable=False, server_default=func.now()),
    Column("started_at", _TIME),
    Column("finished_at", _TIME),
    # False from a change by a user or by expiry until its event is known to be published.
    Column("announced", Boolean, nullable=False, server_default=true()),
    # The client's Idempotency-Key, so that a repeated request creates one file.
    Column("idempotency_key", Text),
    # Null while the file is open, so that a claim changes no indexed column (see below).
    Column(
        "ended_as",
        Text,
        Computed("CASE WHEN finished_at IS NOT NULL THEN status END", persisted=True),
    ),
    CheckConstraint(f"status IN ({_STATUS_LIST})", name="status"),
    CheckConstraint("size >= 0 AND attempt >= 0 AND failures >= 0", name="counts"),
    CheckConstraint("(status IN ('Waiting', 'Processing')) = (finished_at IS NULL)", name="open"),
    # The sweep reads open rows only; there may be millions of finished ones. A claim changes no
    # indexed column, so it writes to no index (a heap-only tuple update, for which the fill
    # factor leaves room).
    Index("ix_processing_file_open", "id", postgresql_where=text("finished_at IS NULL")),
    Index("ix_processing_file_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("ix_processing_file_unannounced", "id", postgresql_where=text("NOT announced")),
    Index("ix_processing_file_uploaded", "uploaded_at", postgresql_using="brin"),
    Index("ix_processing_file_ended", "ended_as", "id", postgresql_where=text("ended_as <> 'Ok'")),
    Index("ix_processing_file_sha256", "sha256"),
    Index(
        "ix_processing_file_key",
        "idempotency_key",
        unique=True,
        postgresql_where=text("idempotency_key IS NOT NULL"),
    ),
    postgresql_with={"fillfactor": "70"},
)

# Resumable uploads. The size of the file on disk is how much has arrived.
upload = Table(
    "upload",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("handler", Text, nullable=False),
    Column("options", JSONB, nullable=False),
    # The Upload-Metadata header, which is returned as the client sent it.
    Column("metadata", Text, nullable=False),
    # Digest of the secret that the client must present; '' if the URL is the only secret.
    Column("owner", Text, nullable=False),
    Column("idempotency_key", Text, unique=True),
    Column("file_id", BigInteger),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    Column("expires_at", _TIME, nullable=False, index=True),
)

# Attempts that were followed by another one; the file's row describes its last attempt.
attempt = Table(
    "attempt",
    metadata,
    Column("file_id", BigInteger, ForeignKey("processing_file.id"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("worker", Text),
    Column("outcome", Text, nullable=False),
    Column("message", Text),
    Column("signal", Integer),
    Column("peak_rss", BigInteger),
    Column("cpu_seconds", Double),
    Column("wall_seconds", Double),
    Column("started_at", _TIME),
    Column("finished_at", _TIME, nullable=False, server_default=func.now()),
)

# The workers and what they do; each writes its row at every heartbeat.
worker = Table(
    "worker",
    metadata,
    Column("name", Text, primary_key=True),
    Column("slots", Integer, nullable=False),
    Column("running", Integer, nullable=False),
    # Why free slots start no jobs, as text; null if they do.
    Column("waits_for", Text),
    Column("started_at", _TIME, nullable=False, server_default=func.now()),
    Column("seen_at", _TIME, nullable=False, server_default=func.now()),
)

# The handlers that workers offer; each worker writes them at its start, because the web process
# may lack the packages that define them.
handler = Table(
    "handler",
    metadata,
    Column("name", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("options_schema", JSONB, nullable=False),
    Column("seen_at", _TIME, nullable=False, server_default=func.now()),
)
