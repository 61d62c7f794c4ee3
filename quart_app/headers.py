"""Headers of every response, and the check that a change was asked for by our own page."""

from urllib.parse import urlsplit

from quart import Quart, Response, abort, request

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def _policy(**changes: str) -> str:
    directives = _POLICY | {name.replace("_", "-"): value for name, value in changes.items()}
    return "; ".join(f"{name} {value}" for name, value in directives.items())


# Swagger UI writes style attributes into its page; it runs no inline script.
_DOCS_POLICY = _policy(style_src="'self' 'unsafe-inline'")
_PAGE_POLICY = _policy()


def register(app: Quart) -> None:
    """Install both on ``app``."""

    @app.before_request
    async def refuse_foreign_pages() -> None:
        # There is no login yet, so a page of another site must not act through its visitors.
        if request.method in SAFE_METHODS:
            return
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            abort(403, "This request comes from another site.")

    @app.after_request
    async def add_headers(response: Response) -> Response:
        docs = request.path == "/docs"
        response.headers["Content-Security-Policy"] = _DOCS_POLICY if docs else _PAGE_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response
