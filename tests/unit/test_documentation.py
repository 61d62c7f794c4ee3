"""Documentation that cannot be right is found here."""

import re
import tomllib

from processing.paths import ROOT
from processing.states import TRANSITIONS, Outcome
from processing.stream_keys import StreamKeys
from worker.handlers import Handler

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_local_link_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_path_of_an_upload_names_real_files() -> None:
    readme = (ROOT / "README.md").read_text()
    section = readme.partition("## The path of one upload")[2].partition("## ")[0]
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


def test_the_example_handler_of_the_readme_works() -> None:
    readme = (ROOT / "README.md").read_text()
    section = readme.partition("## A handler of yours")[2]
    code = section.partition("```python\n")[2].partition("```")[0]
    namespace: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), namespace)

    found = namespace["count_lines"]
    assert isinstance(found, Handler)
    assert found.title == "Count lines"


def test_the_promises_name_real_tests() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text()
    named = re.findall(r"`(\w+/test_\w+\.py): (test_\w+)(\*?)`", page)
    assert len(named) >= 8
    for file, name, more in named:
        text = (ROOT / "tests" / file).read_text()
        assert re.search(rf"def {name}{'' if more else r'[(]'}", text), (file, name)
