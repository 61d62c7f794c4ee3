"""Small parts of the core: states, text, storage, logging."""

import json
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing import logs
from processing.errors import DiskFull, NotFound, TooLarge
from processing.states import OPEN_STATUSES, TERMINAL_STATUSES, TRANSITIONS, Status, sources_of
from processing.storage import Storage
from processing.text import sanitize_text

json_values = st.recursive(
    st.none() | st.integers() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def test_every_status_has_its_row_in_the_table() -> None:
    assert set(TRANSITIONS) == set(Status)
    assert set(Status) == OPEN_STATUSES | TERMINAL_STATUSES
    assert Status.REMOVED in TERMINAL_STATUSES


def test_only_a_user_brings_an_end_back_to_work() -> None:
    for status in TERMINAL_STATUSES:
        again = {Status.WAITING} if status in (Status.ERROR, Status.CANCELED) else set()
        assert TRANSITIONS[status] & OPEN_STATUSES == again


def test_sources_invert_the_table() -> None:
    for target in Status:
        assert sources_of(target) == sorted(s for s in Status if target in TRANSITIONS[s])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\0b", "a\N{REPLACEMENT CHARACTER}b"),
        ("a\ud800b", "a?b"),
        ({"k\0": ["\0", 1, None, {"x": "\udfff"}]},
         {"k\N{REPLACEMENT CHARACTER}": ["\N{REPLACEMENT CHARACTER}", 1, None, {"x": "?"}]}),
    ],
)  # fmt: skip
def test_what_cannot_be_stored_is_replaced(value: object, expected: object) -> None:
    assert sanitize_text(value) == expected


@given(json_values)
def test_storable_text_has_neither_nul_nor_surrogates(value: object) -> None:
    text = json.dumps(sanitize_text(value), ensure_ascii=False)
    assert "\\u0000" not in text
    text.encode()


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_storable_leaves_ordinary_text_alone(text: str) -> None:
    assert sanitize_text(text) == text


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    made = Storage(tmp_path)
    made.prepare()
    return made


def test_a_partial_becomes_an_original(storage: Storage) -> None:
    partial = storage.new_partial(100)
    partial.write([b"abc"])
    digest = partial.complete()
    assert digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    storage.adopt(partial.path, 7)
    partial.discard()
    assert storage.original(7).read_bytes() == b"abc"


def test_a_partial_has_a_limit(storage: Storage) -> None:
    partial = storage.new_partial(3)
    partial.write([b"abc"])
    with pytest.raises(TooLarge):
        partial.write([b"d"])
    partial.discard()
    partial.discard()
    assert not partial.path.exists()


def test_no_room_is_said_before_writing(storage: Storage) -> None:
    with pytest.raises(DiskFull, match="MiB are free"):
        storage.check_room(2**60)


@pytest.mark.parametrize("name", ["../original", "", ".", "..", "a/b", "x\0", "-x", "a" * 200])
def test_artifact_names_cannot_leave_their_folder(storage: Storage, name: str) -> None:
    partial = storage.new_partial(10)
    partial.complete()
    storage.adopt(partial.path, 1)
    storage.attempt_folder(1, 1).mkdir()
    with pytest.raises(NotFound):
        storage.artifact(1, 1, name)


def test_sealing_keeps_artifacts_and_nothing_else(storage: Storage) -> None:
    partial = storage.new_partial(10)
    partial.complete()
    storage.adopt(partial.path, 1)
    lost, folder = storage.attempt_folder(1, 1), storage.attempt_folder(1, 2)
    lost.mkdir()
    (lost / "old.txt").write_text("of a worker that was lost")
    folder.mkdir()
    (folder / "keep.txt").write_text("12345")
    (folder / "scratch").mkdir()
    (folder / "scratch" / "big").write_text("x")
    assert storage.seal(1, 2, ["keep.txt"]) == {"keep.txt": 5}
    assert [path.name for path in folder.iterdir()] == ["keep.txt"]
    assert not storage.attempt_folder(1, 1).exists()
    assert storage.original(1).exists()


def test_json_logging_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        logs.configure("json", "INFO")
        try:
            raise ValueError("line\nbreak")
        except ValueError:
            logging.getLogger("x").exception("failed %d", 1)
        (line,) = capsys.readouterr().err.splitlines()
        entry = json.loads(line)
        assert (entry["level"], entry["message"]) == ("ERROR", "failed 1")
        assert "ValueError" in entry["exception"]
    finally:
        root.handlers[:] = before
        root.setLevel(level)
