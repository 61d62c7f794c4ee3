"""What a file may be called, and of what type it may say it is."""

import unicodedata

from python_multipart.multipart import parse_options_header

from processing.errors import BadName, NotCsv

CSV_TYPE = "text/csv"
MOST_NAME_CHARACTERS = 255
# What programs say of a CSV file when nobody told them, and what holds one, compressed.
_VAGUE_TYPES = frozenset(
    {
        "",
        CSV_TYPE,
        "text/plain",
        "text/tab-separated-values",
        "application/csv",
        "application/octet-stream",
        "application/vnd.ms-excel",
        "application/x-www-form-urlencoded",  # curl --data-binary
        "application/gzip",
        "application/x-gzip",
        "application/zip",
        "application/zstd",
        "application/x-bzip2",
        "application/x-xz",
    }
)


def clean_name(raw: str) -> str:
    """Return the last component of a client's file name, fit to be stored and shown.

    Raises:
        BadName: nothing is left, or it has control characters, or it is too long.
    """
    name = raw.replace("\\", "/").rpartition("/")[2].strip()
    if not name or name in (".", ".."):
        raise BadName("The file has no name; give it one, such as data.csv.")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise BadName("The file's name contains control characters; rename it.")
    if len(name) > MOST_NAME_CHARACTERS:
        raise BadName(
            f"The file's name has {len(name):,} characters; "
            f"at most {MOST_NAME_CHARACTERS} are kept."
        )
    return name


def _kind(content_type: str | bytes) -> str:
    return parse_options_header(content_type)[0].decode("latin-1")


def check_type(name: str, content_type: str | bytes) -> None:
    """Raise NotCsv unless a form says that the file is text/csv."""
    kind = _kind(content_type)
    if kind != CSV_TYPE:
        said = kind[:100] or "of no stated type"
        raise NotCsv(f"“{name}” is {said}, not {CSV_TYPE}. Only CSV files can be processed.")


def check_vague_type(name: str, content_type: str | bytes) -> None:
    """Raise NotCsv if a program says that the file is something else than CSV."""
    kind = _kind(content_type)
    if kind.lower() not in _VAGUE_TYPES:
        raise NotCsv(f"“{name}” is {kind[:100]}, not {CSV_TYPE}. Only CSV files can be processed.")
