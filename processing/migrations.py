"""The database migrations that come with this code: which is the newest, and how to apply them.

`python -m processing.migrations` migrates the database that the settings name, from a checkout or
an installed wheel.
"""

import logging
import sys
from functools import cache

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from processing import logs, settings
from processing.errors import InvalidSettings
from processing.paths import MIGRATIONS


def _config() -> Config:
    config = Config()
    # Alembic's parser interpolates percent signs, which a path may contain.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@cache
def head_revision() -> str | None:
    """Return the newest revision among the migrations that come with this code."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def upgrade() -> None:
    """Bring the database up to :func:`head_revision`; one that is up to date is left alone.

    Raises:
        InvalidSettings: no database is named.
        OSError, asyncpg.PostgresError: the database cannot be reached.
        SQLAlchemyError, CommandError: a migration failed, or the database is newer than the code.
    """
    command.upgrade(_config(), "head")


def main() -> int:
    """Migrate. Return the exit status: 0 when up to date, 1 on failure, 2 for bad settings."""
    try:
        chosen = settings.load()
        logs.configure(chosen.log_format, chosen.log_level)
        # At INFO Alembic names its own plugins; the migrations it runs are all that matters.
        logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
        upgrade()
    except InvalidSettings as error:
        print(f"millrace migrate: {error}", file=sys.stderr)
        return 2
    except (SQLAlchemyError, CommandError, asyncpg.PostgresError, OSError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        print(f"millrace migrate: cannot migrate the database: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
