"""The migrations make exactly the tables the code expects, and can be taken back."""

import os
import subprocess
import sys

from processing.paths import ROOT
from tests.conftest import Servers


def alembic(servers: Servers, database: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT,
        env={**os.environ, **servers.urls(database)},
        capture_output=True,
        text=True,
    )


def test_models_and_migrations_agree(servers: Servers) -> None:
    checked = alembic(servers, servers.new_database(), "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_down_and_up_again(servers: Servers) -> None:
    database = servers.new_database()
    for direction in (("downgrade", "base"), ("upgrade", "head")):
        result = alembic(servers, database, *direction)
        assert result.returncode == 0, result.stderr
