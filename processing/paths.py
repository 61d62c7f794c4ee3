"""Where the files that come with the code are, in a checkout and in an installed wheel."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# A wheel has the top-level folders of the checkout inside this package (see pyproject.toml).
_PACKAGED = ROOT / "processing" / "_data"
_DATA = _PACKAGED if _PACKAGED.is_dir() else ROOT

TEMPLATES = _DATA / "templates"
MIGRATIONS = _DATA / "migrations"
