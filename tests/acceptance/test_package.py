"""A built wheel, installed into an empty environment, serves without the checkout."""

import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from processing.paths import ROOT
from standalone.services import free_port
from tests.conftest import eventually
from tests.programs import Program, alive, descendants

UV = Path(sys.executable).with_name("uv")
PACKAGES = ("millrace", "millrace_client", "processing", "quart_app", "standalone", "worker")
CSV = b"city,people\nBern,134591\nBasel,173863\n"


def uv(*arguments: str | Path, folder: Path) -> str:
    done = subprocess.run([UV, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--quiet", "--wheel", "--out-dir", folder, ROOT, folder=folder)
    (built,) = folder.glob("millrace-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds the wheel with its extra `standalone`."""
    folder = tmp_path_factory.mktemp("installed")
    # The versions that everything else was tested with.
    locked = uv(
        *("export", "--quiet", "--locked", "--no-hashes", "--no-emit-project"),
        *("--no-default-groups", "--extra", "standalone"),
        folder=ROOT,
    )
    (folder / "locked.txt").write_text(locked)
    uv("venv", "--quiet", "--python", sys.executable, "env", folder=folder)
    uv(
        *("pip", "install", "--quiet", "--python", "env/bin/python"),
        *("--constraint", "locked.txt", f"{wheel}[standalone]"),
        folder=folder,
    )
    return folder / "env" / "bin"


@pytest.fixture
def served(installed: Path, tmp_path: Path) -> Iterator[tuple[Program, str]]:
    """`millrace serve` in an empty folder, in which a folder has the name of a package of ours."""
    (tmp_path / "processing").mkdir()
    (tmp_path / "processing" / "__init__.py").write_text("raise SystemExit('the wrong package')")
    port = free_port()
    environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(tmp_path)}
    argv = ["/bin/sh", "-c", f"cd {tmp_path} && exec {installed}/millrace serve --port {port}"]
    program = Program(argv, environment, tmp_path / "serve.log")
    yield program, f"http://127.0.0.1:{port}"
    if program.process.poll() is None:
        program.stop(30)


def test_the_wheel_holds_everything_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *PACKAGES, "templates", "migrations"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    moved = ("templates/", "migrations/")
    expected = {
        f"processing/_data/{name}" if name.startswith(moved) else name
        for name in listed
        if (ROOT / name).exists()
    }
    assert {name for name in names if ".dist-info/" not in name} == expected


async def test_an_installed_wheel_finishes_a_file(served: tuple[Program, str]) -> None:
    program, address = served

    def ready() -> bool:
        assert program.process.poll() is None, program.log
        return "Millrace is ready" in program.log

    await eventually(ready, 60)
    async with httpx.AsyncClient(base_url=address, timeout=60) as http:
        page = await http.get("/")
        assert (page.status_code, "processing_file" in page.text) == (200, True)
        for path in ("/static/app.css", "/docs", "/openapi.json"):
            assert (await http.get(path)).status_code == 200, path
        sent = await http.put("/api/v1/files/cities.csv", content=CSV)
        assert sent.status_code == 201, sent.text
        file = (await http.get(sent.headers["Location"], params={"wait": 30})).json()
        assert (file["status"], file["rows"], file["columns"]) == ("Ok", 2, 2), file
        for artifact in file["artifacts"]:
            assert len((await http.get(artifact["url"])).content) == artifact["size"]
        assert "clean.parquet" in [artifact["name"] for artifact in file["artifacts"]]
        assert "report.html" in [artifact["name"] for artifact in file["artifacts"]]
    family = descendants(program.pid)
    program.signal(signal.SIGINT)
    assert program.process.wait(30) == 0, program.log
    assert not [pid for pid in family if alive(pid)]
    assert "Traceback" not in program.log
    folder = program.log_path.parent
    assert (folder / "media" / "processing_files").is_dir()
    assert (folder / "var" / "standalone.json").is_file()


def test_nothing_is_read_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    code = (
        "import processing.paths as p, quart_app.http.openapi, importlib.metadata as m; "
        "print(p.TEMPLATES, p.MIGRATIONS, m.version('millrace'), sep='\\n')"
    )
    shown = subprocess.run(
        [installed / "python", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert shown.returncode == 0, shown.stderr
    templates, migrations, _ = shown.stdout.splitlines()
    assert templates.startswith(str(installed.parent))
    assert migrations.startswith(str(installed.parent))


def test_the_installed_command_names_the_extra_of_its_client(installed: Path) -> None:
    shown = subprocess.run([installed / "millrace", "ls"], capture_output=True, text=True)
    assert shown.returncode == 1
    assert 'extra "client"' in shown.stderr
