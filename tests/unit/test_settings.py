"""Settings: what the environment may say, and that the README says the same."""

import re

import pytest

from processing import settings as module
from processing.errors import InvalidSettings
from processing.paths import ROOT
from processing.settings import Settings


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_defaults_need_no_environment() -> None:
    settings = module.load()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.worker_slots >= 1
    assert (settings.database_dsn, settings.redis_dsn) == ("", "")


@pytest.mark.parametrize(
    ("url", "dsn"),
    [
        ("postgresql://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgres://u:p@h/d?sslmode=require", "postgresql+asyncpg://u:p@h/d?ssl=require"),
        ("postgresql+asyncpg://u@h/d", "postgresql+asyncpg://u@h/d"),
    ],
)
def test_every_spelling_of_a_database_url(url: str, dsn: str) -> None:
    assert Settings(database_url=url).database_dsn == dsn


def test_urls_are_built_from_the_files_of_compose() -> None:
    settings = Settings(
        postgres_host="db",
        postgres_user="u",
        postgres_password="p@ss/word",
        postgres_db="d",
        redis_host="redis",
        redis_password="s:cret",
        redis_port=6380,
    )
    assert settings.database_dsn == "postgresql+asyncpg://u:p%40ss%2Fword@db:5432/d"
    assert settings.redis_dsn == "redis://:s%3Acret@redis:6380/0"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "99999"),
        ("WORKER_SLOTS", "0"),
        ("DATABASE_URL", "mysql://x"),
        ("REDIS_URL", "http://x"),
        ("LOG_FORMAT", "xml"),
        ("STREAM_PREFIX", "a b"),
    ],
)
def test_a_bad_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=name):
        module.load()


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    assert module.load().port == 8000


def test_missing_servers_are_named() -> None:
    with pytest.raises(InvalidSettings, match="REDIS_URL not set"):
        module.require_servers(Settings(database_url="postgresql://u@h/d"))


def test_secrets_stay_out_of_the_repr() -> None:
    shown = repr(Settings(postgres_password="hush", redis_password="hush"))
    assert "hush" not in shown


def test_the_readme_lists_every_setting_with_its_default() -> None:
    readme = (ROOT / "README.md").read_text()
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]*) \|", readme, re.MULTILINE))
    assert set(rows) == {name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        said = rows[name.upper()].strip().strip("`")
        if field.default_factory is None:
            default = field.default
            text = f"{default:g}" if isinstance(default, float) else str(default)
            assert said == text, name


def test_the_example_files_hold_every_variable() -> None:
    for name, expected in {
        ".env.db.example": {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"},
        ".env.redis.example": {"REDIS_PASSWORD", "REDIS_PORT", "REDIS_DATABASES"},
    }.items():
        text = (ROOT / name).read_text()
        assert set(re.findall(r"^([A-Z_]+)=", text, re.MULTILINE)) == expected


def test_nothing_else_reads_the_environment() -> None:
    for package in ("processing", "quart_app", "worker"):
        for path in (ROOT / package).rglob("*.py"):
            if path.name != "settings.py":
                assert not re.search(r"os\.environ|getenv", path.read_text()), path
