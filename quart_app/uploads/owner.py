"""Which browser began a resumable upload: a cookie set with the page, stored as its digest."""

import hashlib
import secrets

from quart import Response, request

COOKIE = "millrace_owner"
YEAR_SECONDS = 365 * 24 * 3600


def digest() -> str:
    """SHA-256 of the request's owner cookie in hex; '' without one.

    Programs have no cookie: for them the upload's address is the secret.
    """
    cookie = request.cookies.get(COOKIE, "")
    return hashlib.sha256(cookie.encode()).hexdigest() if cookie else ""


def ensure_cookie(response: Response) -> None:
    """Give the browser an owner cookie unless it has one already."""
    if COOKIE not in request.cookies:
        response.set_cookie(
            COOKIE,
            secrets.token_urlsafe(16),
            max_age=YEAR_SECONDS,
            httponly=True,
            samesite="Strict",
            secure=request.is_secure,
        )
