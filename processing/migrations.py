"""The migration that this code requires."""

from functools import cache

from alembic.config import Config
from alembic.script import ScriptDirectory

from processing.paths import ROOT


@cache
def head_revision() -> str | None:
    """Return the newest revision among the migrations shipped with this code."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return ScriptDirectory.from_config(config).get_current_head()
