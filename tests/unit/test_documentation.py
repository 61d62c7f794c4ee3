"""Documentation that cannot be right is found here."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from processing.paths import ROOT
from processing.settings import Settings
from processing.states import TRANSITIONS, Outcome
from processing.stream_keys import StreamKeys
from quart_app.app import create_app
from worker.handlers import BadInput, Context, Handler

DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *DOCS]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) < 700


def test_the_index_lists_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    listed = set(re.findall(r"\]\(([a-z_]+\.md)\)", index))
    assert listed == {page.name for page in DOCS} - {"README.md"}


def test_the_changelog_begins_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    released = re.search(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    assert released is not None
    assert released[1] == version("millrace")


def test_lines_of_prose_are_short() -> None:
    for page in PAGES:
        prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        for line in prose.splitlines():
            assert len(line) <= 120 or line.startswith("|"), f"{page.name}: {line}"


def test_routes_are_listed() -> None:
    page = (ROOT / "docs" / "routes.md").read_text()
    listed = set(re.findall(r"`(GET|POST|DELETE) (/\S*)`", page))
    rules = create_app(Settings()).url_map.iter_rules()
    served = {
        (method, re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", r"{\1}", rule.rule))
        for rule in rules
        for method in rule.methods or ()
        if not rule.rule.startswith(("/api/", "/static/")) and method not in ("HEAD", "OPTIONS")
    }
    assert listed == served


def test_the_glossary_names_real_records() -> None:
    page = (ROOT / "docs" / "glossary.md").read_text()
    steps = page.partition("## Which record")[2]
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \| `([^|`]+)` \|$", steps, re.MULTILINE)
    assert len(rows) >= 12
    for record, path in rows:
        code = (ROOT / path).read_text()
        if named := re.match(r"`([A-Z]\w+)`", record):
            assert f"class {named[1]}" in code, (record, path)


def test_every_local_link_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_path_of_an_upload_names_real_files() -> None:
    readme = (ROOT / "README.md").read_text()
    section = readme.partition("## How one upload travels")[2].partition("## ")[0]
    named = re.findall(r"^((?:quart_app|processing|worker)/\S+?),?\s", section, re.MULTILINE)
    assert len(named) >= 10
    for name in named:
        path = ROOT / name.rstrip("*").rstrip("/")
        assert path.is_dir() or path.with_suffix(".py").exists(), name


def test_the_state_diagram_is_the_table() -> None:
    page = (ROOT / "docs" / "lifecycle.md").read_text()
    drawn = set(re.findall(r"^    (\w+) --> (\w+)", page, re.MULTILINE))
    assert drawn == {(str(a), str(b)) for a, targets in TRANSITIONS.items() for b in targets}
    for outcome in Outcome:
        assert f"| {outcome}" in page


def test_every_key_in_redis_is_in_the_operators_table() -> None:
    page = (ROOT / "docs" / "operation.md").read_text()
    keys = StreamKeys("millrace")
    names = [
        getattr(keys, name) for name, kind in vars(StreamKeys).items() if type(kind) is property
    ]
    assert len(names) == 6
    for name in names:
        assert f"`{name}`" in page, name


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    block = text.partition("dependencies = [")[2].partition("\n]")[0]
    lines = [line.strip() for line in block.splitlines() if line.strip()]
    assert lines[0].startswith("#")
    project = tomllib.loads(text)["project"]
    assert len(project["dependencies"]) == sum(not line.startswith("#") for line in lines)


def test_the_example_handler_works(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "handlers.md").read_text()
    code = page.partition("```python\n")[2].partition("```")[0]
    namespace: dict[str, object] = {}
    exec(compile(code, "handlers.md", "exec"), namespace)

    found = namespace["count_lines"]
    assert isinstance(found, Handler)
    assert found.title == "Count lines"
    source = tmp_path / "a.csv"
    source.write_bytes("a\nü\n".encode("latin-1"))
    context = Context(str(source), str(tmp_path / "1"), "a.csv", lambda *_: None)
    assert found(context, {"encoding": "latin-1"}).rows == 2
    with pytest.raises(BadInput, match="not utf-8"):
        found(context, {})


def test_the_guarantees_name_real_tests() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text()
    named = re.findall(r"`(\w+/test_\w+\.py): (test_\w+)(\*?)`", page)
    assert len(named) >= 8
    for file, name, more in named:
        text = (ROOT / "tests" / file).read_text()
        assert re.search(rf"def {name}{'' if more else r'[(]'}", text), (file, name)
