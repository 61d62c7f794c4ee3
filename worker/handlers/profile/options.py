"""What an upload may say about its file where detection would get it wrong."""

import codecs
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

NAMED_DELIMITERS = {
    "comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " ", "colon": ":"
}  # fmt: skip
COLUMN_TYPES = ("text", "boolean", "integer", "number", "date", "timestamp", "time")
Character = Annotated[str, StringConstraints(min_length=1, max_length=1)]


def _labels(**labels: str) -> dict[str, Any]:
    """Add to the JSON schema what a form shows for each choice; _ stands for a hyphen."""
    return {"x-labels": {value.replace("_", "-"): label for value, label in labels.items()}}


class Options(BaseModel):
    """How to read a file, and what to write; whatever is None is detected."""

    model_config = ConfigDict(extra="forbid")

    encoding: str | None = Field(
        None,
        title="Encoding",
        description="Text encoding, for example utf-8 or windows-1252",
    )
    delimiter: str | None = Field(
        None,
        title="Delimiter",
        description="One character, or comma, semicolon, tab, pipe, space or colon",
    )
    quote: Character | None = Field(
        None, title="Quote", description="Character around quoted cells"
    )
    escape: Character | None = Field(
        None,
        title="Escape",
        description="Character that escapes a quote inside a quoted cell, such as \\",
    )
    comment: Character | None = Field(
        None, title="Comment sign", description="Lines that start with this are ignored"
    )
    skip_lines: int | None = Field(
        None, ge=0, title="Lines to skip", description="Lines to ignore before the header"
    )
    header: int | None = Field(
        None, ge=0, le=10, title="Header rows", description="0 if there is no header"
    )
    dates: Literal["day-first", "month-first"] | None = Field(
        None,
        title="Dates",
        description="How to read dates such as 03/04/2024",
        json_schema_extra=_labels(
            day_first="Day first (3 April)", month_first="Month first (March 4)"
        ),
    )
    decimal: Literal["point", "comma"] | None = Field(
        None,
        title="Decimal separator",
        json_schema_extra=_labels(point="Point (1.5)", comma="Comma (1,5)"),
    )
    thousands: Character | None = Field(
        None,
        title="Thousands separator",
        description="Character between groups of digits, such as . in 1.234",
    )
    names: str = Field(
        "",
        title="Column names",
        description="Names for the first columns, separated with |; the others keep theirs",
    )
    types: str = Field(
        "",
        title="Column types",
        description="For example id=text;born=date: text, boolean, integer, number, date, "
        "timestamp or time",
    )
    integers: Literal["wide", "narrow"] = Field(
        "wide",
        title="Integer size",
        json_schema_extra=_labels(wide="64-bit always", narrow="Smallest that fits"),
    )
    nulls: str = Field(
        "", title="Treat as missing", description="Separate with |, for example ?|unknown"
    )
    ragged: Literal["repair", "reject"] = Field(
        "repair",
        title="Rows with too few or too many cells",
        json_schema_extra=_labels(repair="Repair", reject="Reject"),
    )
    misfits: Literal["widen", "reject"] = Field(
        "widen",
        title="Values that do not fit",
        description="Up to 5 % of a column that are not of the type of the others",
        json_schema_extra=_labels(widen="Keep (column becomes text)", reject="Reject those rows"),
    )
    files: Literal["all", "parquet"] = Field(
        "all",
        title="Output",
        json_schema_extra=_labels(all="All files", parquet="Parquet only"),
    )
    spelling: Literal["typed", "original"] = Field(
        "typed",
        title="Cells of clean.csv",
        description="Numbers keep their digits either way",
        json_schema_extra=_labels(
            typed="As their types say (2024-01-05, true)", original="As they were written"
        ),
    )
    formulas: Literal["keep", "defuse"] = Field(
        "keep",
        title="Spreadsheet formulas in clean.csv",
        json_schema_extra=_labels(keep="Keep", defuse="Neutralise (put ' before = + - @)"),
    )

    @field_validator("encoding")
    @classmethod
    def _is_text_encoding(cls, name: str | None) -> str | None:
        if not name:
            return None
        try:
            codec = codecs.lookup(name)
        except LookupError:
            raise ValueError(f"unknown encoding “{name}”") from None
        if not codec._is_text_encoding:
            raise ValueError(f"“{name}” is not a text encoding")
        return codec.name

    @field_validator("delimiter")
    @classmethod
    def _is_one_character(cls, text: str | None) -> str | None:
        if not text:
            return None
        text = NAMED_DELIMITERS.get(text, text)
        if len(text) != 1 or text in "\r\n\0":
            names = ", ".join(NAMED_DELIMITERS)
            raise ValueError(f"a delimiter is one character or one of: {names}")
        return text

    @field_validator("names")
    @classmethod
    def _are_different(cls, text: str) -> str:
        names = [name.lower() for name in text.split("|")]
        if text and ("" in names or len(set(names)) < len(names)):
            raise ValueError("every column needs a name of its own")
        return text

    @field_validator("types")
    @classmethod
    def _names_types(cls, text: str) -> str:
        for pair in filter(None, text.split(";")):
            _, sign, type_ = pair.rpartition("=")
            if not sign or type_.strip() not in COLUMN_TYPES:
                raise ValueError(
                    f"“{pair}” is not a column and its type, such as id=text; the types are: "
                    f"{', '.join(COLUMN_TYPES)}"
                )
        return text

    @property
    def column_types(self) -> dict[str, str]:
        """The wanted type per column, one of COLUMN_TYPES."""
        pairs = (pair.rpartition("=") for pair in self.types.split(";") if pair)
        return {name.strip(): type_.strip() for name, _, type_ in pairs}

    def rename(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of the columns, of which the first may be given.

        Raises:
            ValueError: there are more names than columns, or another column has one of them.
        """
        given = tuple(self.names.split("|")) if self.names else ()
        kept = columns[len(given) :]
        taken = {name.lower() for name in kept}
        if len(given) > len(columns) or any(name.lower() in taken for name in given):
            raise ValueError(
                f"The option “names” does not fit the {len(columns):,} columns of the file: "
                "each needs a name of its own."
            )
        return (*given, *kept)

    @property
    def null_words(self) -> tuple[str, ...]:
        """The texts that are read as missing."""
        return tuple(word for word in self.nulls.split("|") if word)
