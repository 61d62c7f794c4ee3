"""How sizes, durations, numbers and times are written on the page."""

from datetime import UTC, datetime

from quart import Quart

from processing.models import ProcessingFile
from quart_app.messages import counted

# Before this an estimate of the remaining time would be a guess.
MIN_SECONDS, MIN_PROGRESS = 2.0, 0.03
TAIL_CHARACTERS = 12
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def size(count: int | None) -> str:
    """Bytes in decimal units: 1.2 MB."""
    if count is None:
        return "–"
    value = float(count)
    for unit in _UNITS[:-1]:
        if value < 999.5 or (unit == "B" and value < 1000):
            return f"{value:.0f} {unit}" if unit == "B" or value >= 99.95 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} {_UNITS[-1]}"


def binary_size(count: float) -> str:
    """Bytes in binary units, for limits that are set in them: 10 GiB, 1.5 MiB."""
    unit = 0
    while count >= 1024 and unit < len(_BINARY_UNITS) - 1:
        count /= 1024
        unit += 1
    return f"{count:.1f}".removesuffix(".0") + f" {_BINARY_UNITS[unit]}"


def duration(seconds: float | None) -> str:
    """Seconds as 0.42 s, 7.5 s, 2 min 05 s, 1 h 02 min."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def number(value: float | None) -> str:
    """A number with thousands separators, at most six digits of a fraction: 5,000."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago: just now, 5 min ago, 3 h ago, 2 days ago."""
    if moment is None:
        return "–"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    if seconds < 86_400:
        return f"{seconds // 3600:.0f} h ago"
    return f"{counted(int(seconds // 86_400), 'day')} ago"


def elapsed(moment: datetime | None, now: datetime | None = None) -> str:
    """Time since ``moment``, in whole seconds like the page's running clocks."""
    if moment is None:
        return "–"
    seconds = max(0.0, ((now or datetime.now(UTC)) - moment).total_seconds())
    return f"{seconds:.0f} s" if seconds < 60 else duration(seconds)


def time_left(file: ProcessingFile, now: datetime | None = None) -> str:
    """Estimate of a running file's remaining time; '' while that would be a guess."""
    if file.started_at is None or not file.progress:
        return ""
    seconds = ((now or datetime.now(UTC)) - file.started_at).total_seconds()
    if seconds < MIN_SECONDS or file.progress < MIN_PROGRESS:
        return ""
    remaining = max(1, round(seconds * (1 - file.progress) / file.progress))
    return f"about {f'{remaining} s' if remaining < 60 else duration(remaining)} left"


def split_name(name: str) -> tuple[str, str]:
    """A name in two parts, so that a narrow column can shorten it in the middle."""
    if len(name) <= TAIL_CHARACTERS:
        return "", name
    return name[:-TAIL_CHARACTERS], name[-TAIL_CHARACTERS:]


def exact(moment: datetime | None) -> str:
    """A time in full, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if moment else "–"


def register(app: Quart) -> None:
    """Make them filters of the templates."""
    filters = (
        size,
        binary_size,
        duration,
        number,
        counted,
        ago,
        elapsed,
        time_left,
        split_name,
        exact,
    )
    app.jinja_env.filters.update({each.__name__: each for each in filters})
