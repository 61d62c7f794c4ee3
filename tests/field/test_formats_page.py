"""The examples of docs/formats.md do what the page says."""

import ast
import re

import pytest

from processing.paths import ROOT
from tests.unit.mill import Profile, cells
from worker.handlers.contract import BadInput

PAGE = (ROOT / "docs" / "formats.md").read_text("utf-8")


def table(section: str) -> list[list[str]]:
    """The rows of a section's table; cells are split at pipes, which no example has."""
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("|")]
    assert len(rows) > 2
    return [[cell.strip() for cell in row] for row in rows[2:]]


def quoted(cell: str) -> str:
    match = re.fullmatch("`(.*)`", cell)
    assert match
    return match[1]


@pytest.mark.parametrize(("encoding", "language", "example"), table("Encodings"))
def test_encodings(run: Profile, encoding: str, language: str, example: str) -> None:
    words = quoted(example).split(", ")
    text = "id;word\n" + "".join(f"{n};{word}\n" for n, word in enumerate(words))
    result = run(text.encode(encoding))
    assert [row[1] for row in cells(result)] == words
    evidence = result.summary["encoding"]["evidence"]
    if "look like" in evidence and "several languages" not in evidence:
        assert result.summary["encoding"]["confidence"] <= 0.97


@pytest.mark.parametrize(("form", "example", "row", "said"), table("Stray bytes"))
def test_stray_bytes(run: Profile, form: str, example: str, row: str, said: str) -> None:
    result = run(ast.literal_eval(quoted(example)))
    expected = [ast.literal_eval(f'"{cell}"') for cell in re.findall("`(.*?)`", row)]
    assert list(cells(result)[0]) == expected
    assert [column["name"] for column in result.summary["columns"]] == ["id", "name"]
    assert said in "\n".join(result.summary["warnings"])


@pytest.mark.parametrize(("example", "named"), table("What is not CSV"))
def test_what_is_not_csv(run: Profile, example: str, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        run(ast.literal_eval(quoted(example)))
