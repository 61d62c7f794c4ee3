"""Which file names and content types are accepted."""

import unicodedata

from python_multipart.multipart import parse_options_header

from processing.errors import BadName, NotCsv

CSV_TYPE = "text/csv"
MAX_NAME_CHARACTERS = 255
# Media types that programs declare for CSV files, plain or compressed, unless told otherwise.
_ACCEPTED_TYPES = frozenset(
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
_READABLE = "Millrace reads CSV, TSV and compressed CSV"
_TYPE_NAMES = {
    "application/json": "a JSON file",
    "application/pdf": "a PDF document",
    "application/xml": "an XML file",
    "text/xml": "an XML file",
    "text/html": "an HTML page",
    "text/plain": "a plain text file",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "an Excel file",
    "application/vnd.ms-excel": "an Excel file",
}


def clean_name(raw: str) -> str:
    """Return the last component of a client's file name, safe to store and show.

    Raises:
        BadName: it is empty, too long, or contains control characters.
    """
    name = raw.replace("\\", "/").rpartition("/")[2].strip()
    if not name or name in (".", ".."):
        raise BadName("The file has no name. Give it one, such as data.csv.")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise BadName("The file name contains control characters. Rename the file.")
    if len(name) > MAX_NAME_CHARACTERS:
        raise BadName(
            f"The file name has {len(name):,} characters; the limit is {MAX_NAME_CHARACTERS}."
        )
    return name


def check_form_type(name: str, content_type: str | bytes) -> None:
    """Raise NotCsv unless a form declares the file as text/csv."""
    media_type = _media_type(content_type)
    if media_type != CSV_TYPE:
        raise _not_csv(name, media_type, f"{_READABLE}, declared as {CSV_TYPE}.")


def check_type(name: str, content_type: str | bytes) -> None:
    """Raise NotCsv if a program declares the file as something other than CSV."""
    media_type = _media_type(content_type)
    if media_type.lower() not in _ACCEPTED_TYPES:
        raise _not_csv(name, media_type, f"{_READABLE}.")


def _media_type(content_type: str | bytes) -> str:
    return parse_options_header(content_type)[0].decode("latin-1")


def _not_csv(name: str, media_type: str, expected: str) -> NotCsv:
    kind = _TYPE_NAMES.get(media_type.lower())
    if kind is None:
        kind = f"of type {media_type[:100]}" if media_type else "of unknown type"
    return NotCsv(f"“{name}” is {kind}. {expected}")
