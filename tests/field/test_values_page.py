"""Every example of docs/formats.md under its headings of values."""

import re

import pytest

from processing.paths import ROOT
from tests.field.values import column, profile_column, said, values
from tests.unit.mill import Profile

_HEADINGS = ("Numbers", "Dates and times", "Missing values")


def examples() -> list[tuple[list[str], str, str, str]]:
    page = (ROOT / "docs" / "formats.md").read_text("utf-8")
    found = []
    for section in page.split("\n## "):
        if section.partition("\n")[0] in _HEADINGS:
            for line in re.findall(r"^\| `.*$", section, re.MULTILINE):
                texts, type_, first, words = (cell.strip() for cell in line.split("|")[1:-1])
                found.append((re.findall("`([^`]+)`", texts), type_[1:-1], first[1:-1], words))
    return found


def test_the_page_has_examples() -> None:
    assert len(examples()) > 50


@pytest.mark.parametrize(("texts", "type_", "first", "words"), examples())
def test_an_example_is_read_as_the_page_says(
    run: Profile, texts: list[str], type_: str, first: str, words: str
) -> None:
    result = profile_column(run, texts)
    assert (column(result)["type"], values(result)[0]) == (type_, first)
    assert words in said(result)
