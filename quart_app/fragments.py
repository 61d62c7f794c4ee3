"""Renders the pieces of the page."""

from collections.abc import Sequence

from quart import render_template

from processing import repository
from processing.errors import Refused
from processing.models import HandlerInfo, ProcessingFile
from quart_app import resources
from quart_app.hub import View

PAGE_ROWS = 50
DEFAULT_HANDLER = "profile"


async def table(view: View) -> str:
    """The live table. Raises DatabaseAway."""
    async with resources.core().database.connect() as connection:
        files = await repository.list_files(connection, limit=PAGE_ROWS + 1, before=view.before)
    older = files[PAGE_ROWS - 1].id if len(files) > PAGE_ROWS else None
    return await render_template(
        "processing_files/list.html", files=files[:PAGE_ROWS], older=older, before=view.before
    )


async def service_banner(away: list[str]) -> str:
    """The notice that a server does not answer; empty when all do."""
    return await render_template("primitives/service.html", away=away)


async def detail(file: ProcessingFile) -> str:
    """The popup of one file."""
    return await render_template("processing_files/detail.html", file=file)


async def success(text: str) -> str:
    """A message that something worked."""
    return await render_template("primitives/upload/success.html", text=text)


async def dismiss(text: str) -> str:
    """A message that something did not."""
    return await render_template("primitives/upload/dismiss.html", text=text)


async def accepted(files: Sequence[ProcessingFile], refusals: Sequence[Refused]) -> str:
    """One message per file of an upload."""
    messages = [await success(f"“{file.name}” is in line as no. {file.id}.") for file in files]
    messages += [await dismiss(str(refusal)) for refusal in refusals]
    return "\n".join(messages)


async def page(view: View) -> str:
    """The whole page. Raises DatabaseAway."""
    async with resources.core().database.connect() as connection:
        handlers = await repository.list_handlers(connection)
    handlers.sort(key=lambda handler: handler.name != DEFAULT_HANDLER)
    return await _page(resources.hub().away, view, await table(view), handlers)


async def page_without_table() -> str:
    """The page while PostgreSQL is away: it says so, and follows the updates until it is back."""
    return await _page(["PostgreSQL"], View(), "", [])


async def _page(away: list[str], view: View, listing: str, handlers: Sequence[HandlerInfo]) -> str:
    return await render_template(
        "index.html",
        listing=listing,
        banner=await service_banner(away),
        handlers=handlers,
        before=view.before,
        max_upload_mb=resources.settings().max_upload_mb,
    )
