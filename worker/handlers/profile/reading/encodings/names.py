"""The names of encodings as people know them."""

import re


def display_name(encoding: str) -> str:
    """Return the usual name of an encoding that Python calls ``encoding``."""
    name = encoding.lower().replace("_", "-")
    if match := re.fullmatch(r"cp(125\d|874)", name):
        return f"windows-{match[1]}"
    if match := re.fullmatch(r"iso-?8859-(\d+)", name):
        return f"iso-8859-{match[1]}"
    return {"cp932": "Shift-JIS", "cp949": "EUC-KR", "cp950": "Big5", "euc-jp": "EUC-JP"}.get(
        name, name
    )
