"""Small charts as SVG; without style attributes, which the content security policy forbids."""

from collections.abc import Sequence

from markupsafe import Markup
from quart import Quart

WIDTH, HEIGHT, GAP = 160.0, 36.0, 1.0


def histogram(counts: Sequence[int], label: str) -> Markup:
    """Bars of equal width; ``label`` describes them to screen readers."""
    highest = max(counts, default=0) or 1
    step = WIDTH / max(1, len(counts))
    bars = Markup("").join(
        Markup('<rect x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>').format(
            f"{index * step:.2f}",
            f"{HEIGHT - height:.2f}",
            f"{step - GAP:.2f}",
            f"{height:.2f}",
            f"{count:,}",
        )
        for index, count in enumerate(counts)
        # A count above 0 must be visible: at least a pixel and a half.
        if (height := max(1.5, HEIGHT * count / highest) if count else 0.0)
    )
    return Markup(
        '<svg class="histogram" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}</svg>'
    ).format(f"{WIDTH:g}", f"{HEIGHT:g}", label, bars)


def share(part: int, total: int) -> Markup:
    """A horizontal bar filled by ``part`` of ``total``."""
    width = 100 * part / total if total else 0.0
    return Markup(
        '<svg class="share" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="6"/><rect width="{}" height="6"/></svg>'
    ).format(f"{width:.1f}")


def register(app: Quart) -> None:
    """Make the charts callable in templates."""
    app.jinja_env.globals.update(histogram=histogram, share=share)
