"""All formats a column's values can have, in the order in which they are preferred."""

import re
from collections.abc import Sequence

from worker.handlers.profile.engine.connection import literal
from worker.handlers.profile.options import Options
from worker.handlers.profile.types.date_formats import COMPACT_DATE, DATE_FORMATS
from worker.handlers.profile.types.number_formats import NUMBERS
from worker.handlers.profile.types.value_format import DECIMAL, VALUE, ValueFormat, try_cast

_DATE_NAME = re.compile(
    r"(?i)(^|[\W_])(date|day|datum|tag|fecha|data|jour|dt|yyyymmdd|dob)($|[\W_])|date$|datum$"
)

# What the option “types” calls them.
_NAMED_TYPES = {
    "text": (),
    "boolean": ("BOOLEAN",),
    "integer": ("BIGINT",),
    "number": ("BIGINT", DECIMAL, "DOUBLE"),
    "date": ("DATE",),
    "timestamp": ("TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"),
    "time": ("TIME",),
}


def _boolean(yes: str, no: str) -> ValueFormat:
    pattern = f"(?i:{yes}|{no})"
    return ValueFormat(f"{yes} or {no}", "BOOLEAN", pattern, f"(lower({VALUE}) = {literal(yes)})")


# The first that fits every value of a column wins.
VALUE_FORMATS = (
    _boolean("true", "false"),
    *NUMBERS,
    *DATE_FORMATS,
    ValueFormat(
        "UUID",
        "UUID",
        "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        try_cast("UUID"),
    ),
    ValueFormat(
        "JSON", "JSON", r"(?s:[\[{].*[\]}])", f"CASE WHEN json_valid({VALUE}) THEN {VALUE} END"
    ),
    _boolean("yes", "no"),
    _boolean("y", "n"),
    _boolean("t", "f"),
    _boolean("on", "off"),
)


def formats_for(column: str, options: Options) -> Sequence[ValueFormat]:
    """The formats that a column of this name may have."""
    formats = VALUE_FORMATS
    if _DATE_NAME.search(column):
        formats = (COMPACT_DATE, *VALUE_FORMATS)
    wanted = options.column_types.get(column)
    if wanted is None:
        return formats
    return [each for each in (*formats, COMPACT_DATE) if each.type in _NAMED_TYPES[wanted]]
