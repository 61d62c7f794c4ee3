"""Settings: what the environment may say, and that docs/settings.md says the same."""

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
        ("UPLOAD_HOURS", "0"),
    ],
)
def test_a_bad_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=f"^{name} (must|may) .+[.]$") as caught:
        module.load()
    # What pydantic says in front of a sentence is nothing to the reader.
    assert "error" not in str(caught.value)
    assert "Input" not in str(caught.value)


def test_every_kind_of_bad_value_has_a_sentence_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No setting can be wrong in a way that only pydantic has words for."""
    bad = ("x", "0", "-1", "99999999", "1.5", "nan", "-inf", "mysql://x", "a b")
    for name in Settings.model_fields:
        for value in bad:
            monkeypatch.setenv(name.upper(), value)
            try:
                module.load()
            except InvalidSettings as error:
                assert re.match(rf"{name.upper()} (must|may) ", str(error)), (name, value)
        monkeypatch.delenv(name.upper())


def test_all_bad_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "many")
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    with pytest.raises(InvalidSettings) as caught:
        module.load()
    assert str(caught.value) == (
        "PORT must be a whole number. "
        "LOG_LEVEL must be one of 'DEBUG', 'INFO', 'WARNING' or 'ERROR'."
    )


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    assert module.load().port == 8000


def test_missing_servers_are_named() -> None:
    with pytest.raises(InvalidSettings, match=r"^REDIS_URL not set"):
        module.require_servers(Settings(database_url="postgresql://u@h/d"))


def test_migrations_need_only_the_database() -> None:
    settings = Settings(database_url="postgresql://u@h/d")
    assert module.require_database(settings) is settings
    with pytest.raises(InvalidSettings, match=r"^DATABASE_URL not set"):
        module.require_database(Settings())


def test_secrets_stay_out_of_the_repr() -> None:
    shown = repr(Settings(postgres_password="hush", redis_password="hush"))
    assert "hush" not in shown


def test_the_settings_page_lists_every_setting_with_its_default_and_meaning() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    found = re.findall(r"^\| `([A-Z_]+)` \| ([^|]*) \| ([^|]*) \|$", page, re.MULTILINE)
    rows = {name: (default.strip("`"), meaning) for name, default, meaning in found}
    assert set(rows) == {name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        default, meaning = rows[name.upper()]
        assert meaning == field.description, name
        if field.default_factory is None:
            value = field.default
            assert default == (f"{value:g}" if isinstance(value, float) else str(value)), name


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
