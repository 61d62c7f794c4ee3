"""The mill stays in bounds whatever comes: memory, words instead of crashes, nothing left over.

Each file is read in a process of its own, with the memory that a job may take by default.
"""

import gzip
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from processing.paths import ROOT
from processing.settings import Settings

MIB = 1024 * 1024
MOST_MIB = 512
LIMIT = Settings.model_fields["job_memory_mb"].default * MIB


def read(path: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    folder.mkdir()
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.mill.candidates", "millrace, every file", path, folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT)),
    )


def narrow(file: BinaryIO) -> None:
    for number in range(0, 1_500_000, 1000):
        file.writelines(
            b"%d,2024-01-%02d 10:00:00,%d.%02d,name %d,Y\n" % (n, n % 28 + 1, n % 977, n % 100, n)
            for n in range(number, number + 1000)
        )


def wide(columns: int, rows: int) -> Callable[[BinaryIO], None]:
    def write(file: BinaryIO) -> None:
        file.write(b",".join(b"c%d" % n for n in range(columns)) + b"\n")
        for row in range(rows):
            file.write(b",".join(b"%d" % (n * row % 9973) for n in range(columns)) + b"\n")

    return write


def ragged(file: BinaryIO) -> None:
    file.write(b"a,b,c,d\n")
    for number in range(150_000):
        file.write((b"%d,x,2.5\n", b"%d,x,2.5,y,z\n", b'%d,"x,2.5,y\n')[number % 3] % number)


def texts(file: BinaryIO) -> None:
    file.write(b"id,text\n")
    for number in range(60):
        file.write(b"%d,%s\n" % (number, b"%07d" % number * 140_000))


def quoted(file: BinaryIO) -> None:
    """Seven megabytes in a cell of many lines, in a file that has to be normalized."""
    file.write(b"id,text\n1\n" + b'2,"some words"\n' * 1000)
    for number in range(4):
        file.write(b'%d,"' % number + b'say ""hi""\nand go\n' * 400_000 + b'"\n')


SHAPES: dict[str, Callable[[BinaryIO], None]] = {
    "narrow": narrow,
    "500 columns": wide(500, 15_000),
    "2,000 columns": wide(2000, 2000),
    "ragged": ragged,
    "long texts": texts,
    "long cells of many lines": quoted,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_memory_is_bounded_whatever_the_shape(shape: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        SHAPES[shape](file)
    done = read(path, tmp_path / "work")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["peak_bytes"] < MOST_MIB * MIB
    left = {each.name for each in (tmp_path / "work" / "1").iterdir()}
    assert left <= {
        "clean.parquet", "clean.csv", "profile.json", "report.html", "rejects.csv", "repairs.csv"
    }  # fmt: skip


CELLS: dict[str, Callable[[int, int], str]] = {
    "booleans": lambda row, column: "yes" if (row + column) % 2 else "no",
    "words for no value": lambda row, column: str(row) if (row + column) % 5 else "NA",
    "ambiguous dates": lambda row, column: f"{row % 12 + 1:02}/{column % 12 + 1:02}/2024",
    "money": lambda row, column: f"$1,{row * column % 1000:03}.50",
}


@pytest.mark.parametrize("columns", [80, 200, 500, 2000])
@pytest.mark.parametrize("cells", CELLS)
def test_memory_is_bounded_in_small_wide_files(cells: str, columns: int, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("\t".join(f"c{n}" for n in range(columns)) + "\n")
        for row in range(15):
            texts = (CELLS[cells](row, column) for column in range(columns))
            file.write("\t".join(texts) + "\n")
    done = read(path, tmp_path / "work")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["peak_bytes"] < MOST_MIB * MIB


def one_long_line(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"a,b\n1,")
        for _ in range(1000):
            file.write(b"x" * 1_000_000)


def many_columns(path: Path) -> None:
    with path.open("wb") as file:
        wide(100_000, 20)(file)


def bomb(path: Path) -> None:
    """A megabyte that is more than one gigabyte."""
    part = gzip.compress(b"a,b\n1,2\n" * 2_000_000, 9)
    with path.open("wb") as file:
        file.writelines(part for _ in range(80))


def quote_without_end(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b'a,b\n1,"')
        file.writelines(b"x" * 1_000_000 for _ in range(200))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (one_long_line, "Line 2 is longer than 16 MiB, the maximum for a row"),
        (quote_without_end, "Line 2 is longer than 16 MiB, the maximum for a row"),
        (many_columns, "more than 2,000 columns"),
        (bomb, "more than 500 times its size"),
    ],
)
def test_what_is_too_much_is_said_in_words(
    make: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    make(path)
    done = read(path, tmp_path / "work")
    assert "BadInput" in done.stderr, done.stderr[-1000:]
    assert words in done.stderr
