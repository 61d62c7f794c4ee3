"""Headers of every response."""

from quart import Quart, Response, request

EVENT_STREAM = "text/event-stream"
_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "font-src": "'self'",
    # The connection that all tabs share lives in a shared worker.
    "worker-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def _policy(**changes: str) -> str:
    directives = _POLICY | {name.replace("_", "-"): value for name, value in changes.items()}
    return "; ".join(f"{name} {value}" for name, value in directives.items())


# Swagger UI sets style attributes; it runs no inline script.
_DOCS_POLICY = _policy(style_src="'self' 'unsafe-inline'")
_PAGE_POLICY = _policy()


def register(app: Quart) -> None:
    """Add them to every response of ``app``."""

    @app.after_request
    async def add_headers(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        # Policies for documents mean nothing for a stream, and thousands of streams stay open.
        if response.mimetype != EVENT_STREAM:
            docs = request.path == "/docs"
            response.headers["Content-Security-Policy"] = _DOCS_POLICY if docs else _PAGE_POLICY
            response.headers["Referrer-Policy"] = "same-origin"
            response.headers["X-Frame-Options"] = "DENY"
            response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
            response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response
