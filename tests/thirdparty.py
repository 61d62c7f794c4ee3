"""Handlers of a third party, as a distribution that pip would have laid out."""

from collections.abc import Mapping
from pathlib import Path


def distribution(folder: Path, code: str, handlers: Mapping[str, str]) -> Path:
    """Write module ``thirdparty`` with ``code``, offering ``handlers`` (name → attribute)."""
    (folder / "thirdparty.py").write_text(code)
    info = folder / "thirdparty-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thirdparty\nVersion: 1.0\n")
    points = "".join(f"{name} = thirdparty:{attribute}\n" for name, attribute in handlers.items())
    (info / "entry_points.txt").write_text(f"[millrace.handlers]\n{points}")
    return folder
