"""What an upload may say about its file, where it knows better than the handler finds out."""

import codecs
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

NAMED = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " ", "colon": ":"}
One = Annotated[str, StringConstraints(min_length=1, max_length=1)]


class Options(BaseModel):
    """Every one of them is found out if it is not given."""

    model_config = ConfigDict(extra="forbid")

    encoding: str | None = Field(
        None, title="Encoding", description="Of the text, by any name that Python knows"
    )
    delimiter: str | None = Field(
        None,
        title="Delimiter",
        description="A character, or comma, semicolon, tab, pipe, space, colon",
    )
    quote: One | None = Field(None, title="Quote", description="Around cells")
    escape: One | None = Field(
        None, title="Escape", description="In front of a quote inside quotes, such as \\"
    )
    comment: One | None = Field(
        None, title="Comment sign", description="What a comment line begins with"
    )
    skip_lines: int | None = Field(
        None, ge=0, title="Lines to skip", description="Above the header or the first record"
    )
    header: int | None = Field(
        None, ge=0, le=10, title="Header rows", description="0: there is no header"
    )
    dates: Literal["day-first", "month-first"] | None = Field(
        None, title="Dates", description="How to read dates such as 03/04/2024"
    )
    decimal: Literal["point", "comma"] | None = Field(
        None, title="Decimal sign", description="What separates the fraction of a number"
    )
    integers: Literal["wide", "narrow"] = Field(
        "wide",
        title="Integers",
        description="Wide: 64 bits in every file; narrow: the fewest that hold the column",
    )
    nulls: str = Field(
        "", title="Words for no value", description="Separated by |, for example ?|unknown"
    )
    ragged: Literal["repair", "reject"] = Field(
        "repair", title="Ragged records", description="Those with too few or too many cells"
    )
    misfits: Literal["widen", "reject"] = Field(
        "widen",
        title="Misfits",
        description="A few cells not of their column's type: make it text, or reject their records",
    )
    files: Literal["all", "parquet"] = Field(
        "all", title="Files", description="Parquet: neither clean.csv nor report.html"
    )
    formulas: Literal["keep", "defuse"] = Field(
        "keep",
        title="Formulas",
        description="Defuse: ' in front of cells of clean.csv that begin with = + - @",
    )

    @field_validator("encoding")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if not name:
            return None
        try:
            codec = codecs.lookup(name)
        except LookupError:
            raise ValueError(f"Python knows no encoding of the name {name!r}") from None
        if not codec._is_text_encoding:
            raise ValueError(f"{name!r} is not an encoding of text")
        return codec.name

    @field_validator("delimiter")
    @classmethod
    def _one(cls, text: str | None) -> str | None:
        if not text:
            return None
        text = NAMED.get(text, text)
        if len(text) != 1 or text in "\r\n\0":
            raise ValueError(f"a delimiter is one character or one of {', '.join(NAMED)}")
        return text

    @property
    def null_words(self) -> tuple[str, ...]:
        """The texts that mean no value."""
        return tuple(word for word in self.nulls.split("|") if word)
