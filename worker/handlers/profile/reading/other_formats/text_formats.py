"""Recognises texts without a table: markup, JSON, SQL, e-mails and prose."""

import re

from worker.handlers.profile.reading.other_formats.file_formats import (
    not_csv,
    reject_text_signatures,
)

_MAX_LINES = 400
_TAG = re.compile(r"<(/?)([A-Za-z][\w:.-]*)(?:\s[^<>]*)?/?>")
_HTML_TAGS = frozenset(
    {"a", "b", "body", "br", "center", "div", "form", "frameset", "h1", "h2", "h3", "head",
     "hr", "iframe", "img", "li", "link", "main", "meta", "ol", "p", "pre",
     "script", "section", "span", "style", "svg", "table", "tbody", "td", "th", "title", "tr", "ul"}
)  # fmt: skip
_JSON_TOKEN = re.compile(
    r'[\s\x1e]*(?:([\[{])|([\]}])|([,:])|"(?:[^"\\]|\\.)*"'
    r"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|NaN|-?Infinity)",
    re.S,
)
_JSON_NEXT_LINE = re.compile(r",[ \t]*\r?\n\s*(?:[\[{]|\Z)")
_SQL_COMMENT = re.compile(r"(?:\s*(?:--[^\n]*|/\*.*?\*/;?|#[^\n]*)(?:\n|\Z))*\s*", re.S)
_SQL = re.compile(
    r"(?:CREATE\s+(?:TABLE|DATABASE|SCHEMA|OR|TEMP)|INSERT\s+(?:INTO|OR)|REPLACE\s+INTO"
    r"|DROP\s+(?:TABLE|DATABASE|SCHEMA)|BEGIN(?:\s+TRANSACTION)?\s*;|START\s+TRANSACTION"
    r"|PRAGMA\s+\w+|LOCK\s+TABLES|USE\s+[`\[\w]+\s*;|SET\s+[@\w.]+\s*(?:=|TO\b)|ALTER\s+TABLE"
    r"|SELECT\s+pg_catalog)",
    re.I,
)
_MAIL_HEADER = re.compile(
    r"^(From|To|Cc|Subject|Date|Received|Return-Path|Message-ID|MIME-Version|Content-Type|Delivered-To"
    r"|Content-Transfer-Encoding|Reply-To|X-[\w-]+|DKIM-Signature): ",
    re.I,
)
_MIN_MAIL_HEADERS = 3


def reject_other_text(text: str, *, complete: bool) -> None:
    """Raise BadInput if a text that starts like this is markup, JSON, SQL or an e-mail.

    ``complete``: it is all of the text.
    """
    text = text.lstrip("\ufeff \t\r\n\x1e")
    reject_text_signatures(text)
    _reject_markup(text)
    kind = json_kind(text, complete=complete)
    if kind:
        raise not_csv(kind, "Convert its records to CSV first.")
    if _is_sql(text):
        raise not_csv("an SQL dump", "Load it into a database and export the table as CSV.")
    if _is_mail(text):
        raise not_csv("an e-mail", "Save the file that is attached to it, and upload that.")


def _reject_markup(text: str) -> None:
    """Reject what begins with a tag and has tags on most lines."""
    first = _TAG.match(text)
    if not first or first[1]:
        return
    lines = [line.strip() for line in text.splitlines()[:_MAX_LINES] if line.strip()]
    tagged = sum(line.startswith("<") or line.endswith(">") for line in lines)
    # A column of marked-up texts begins and ends each line with a tag, too, but not a single one
    # that is closed at the end of all.
    name = first[2]
    closed = text.rstrip().endswith(f"</{name}>") and text.count(f"<{name}") <= 2
    if len(lines) == 1:
        closed = closed and text.count("<") > 2
    if name.lower() in _HTML_TAGS:
        if tagged >= 0.6 * len(lines) and (closed or name.lower() in ("head", "body", "script")):
            raise not_csv("an HTML page", "Upload the data itself, not the page that shows it.")
    elif closed or (tagged >= 0.9 * len(lines) and f"</{name}>" not in text.split("\n", 1)[0]):
        raise not_csv("an XML document", "Convert its records to CSV first.")


def json_kind(text: str, *, complete: bool) -> str | None:
    """Return whether a text that starts like this is JSON or JSON Lines, None if neither."""
    if not text.startswith(("{", "[")):
        return None
    stack: list[str] = []
    values = position = members = 0
    while match := _JSON_TOKEN.match(text, position):
        opening, closing, sign = match.groups()
        if not stack and not opening and not _JSON_NEXT_LINE.match(text, match.start(3)):
            return None  # something stands between two values
        if opening:
            stack.append(opening)
        elif closing:
            if stack.pop() + closing not in ("[]", "{}"):
                return None
            values += not stack
        members += bool(sign)
        position = match.end()
    rest = text[position:].strip(" \t\r\n\x1e\0\x1a")
    # Where the text goes on, its end may be half a string or a number.
    cut_off = not complete and (rest.startswith('"') or len(rest) < 16)
    if (rest and not cut_off) or (complete and stack) or not (members or values == 1):
        return None
    return "JSON Lines" if values > 1 else "JSON"


def _is_sql(text: str) -> bool:
    """Whether a statement stands at the start, behind comments, and one ends with a semicolon."""
    start = _SQL_COMMENT.match(text)
    at = start.end() if start else 0
    if not _SQL.match(text, at):
        return False
    return re.search(r";\s*(?:--[^\n]*)?(?:\n|\Z)", text[at:]) is not None


def _is_mail(text: str) -> bool:
    headers = re.split(r"\r?\n\r?\n", text, maxsplit=1)[0].splitlines()
    if headers and re.match(r"From \S+@\S+ ", headers[0]):
        headers = headers[1:]
    if not headers or not re.match(r"[A-Za-z-]+: ", headers[0]):
        return False
    found = {match[1].lower() for line in headers if (match := _MAIL_HEADER.match(line))}
    known = found & {"subject", "received", "return-path", "message-id", "mime-version"}
    return len(found) >= _MIN_MAIL_HEADERS and bool(known)
