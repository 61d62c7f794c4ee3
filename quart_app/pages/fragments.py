"""Renders the fragments of the page."""

from collections.abc import Mapping, Sequence

from quart import render_template, request

from processing import repository
from processing.errors import Refused
from processing.models import Attempt, HandlerInfo, ProcessingFile
from processing.states import Status
from quart_app import messages, resources
from quart_app.live.service_status import ServiceStatus
from quart_app.live.view import View
from quart_app.pages.timeline import timeline
from quart_app.uploads.submit import DEFAULT_HANDLER, Accepted

PAGE_ROWS = 50


async def table(view: View) -> str:
    """The live table with its filters. Raises DatabaseUnavailable."""
    async with resources.core().database.connect() as connection:
        page = await repository.list_files(
            connection, limit=PAGE_ROWS, selection=view.selection, after=view.after
        )
        counts = await resources.hub().file_counts.get(lambda: repository.count_files(connection))
    return await render_template(
        "processing_files/list.html", page=page, view=view, counts=counts, statuses=list(Status)
    )


async def progress(file_ids: Sequence[int]) -> Mapping[int, str]:
    """Progress fragments of running files, by file id. Raises DatabaseUnavailable."""
    async with resources.core().database.connect() as connection:
        files = await repository.get_files(connection, file_ids)
    return {
        file.id: await render_template(
            "processing_files/progress.html", file=file, out_of_band=True
        )
        for file in files
        if file.status == Status.PROCESSING
    }


async def service_banner(status: ServiceStatus) -> str:
    """The notice about unavailable servers and workers; empty when all is well."""
    return await render_template("primitives/service.html", service=status)


async def detail(file: ProcessingFile, earlier: Sequence[Attempt]) -> str:
    """The details dialog of one file, with its earlier attempts."""
    return await render_template(
        "processing_files/detail.html",
        file=file,
        result=file.result or {},
        steps=timeline(file, earlier),
        outcome_title=messages.outcome_title(file.outcome) if file.outcome else "",
        advice=messages.ADVICE.get(file.outcome) if file.outcome else None,
    )


async def success(text: str) -> str:
    """A message that something succeeded."""
    return await render_template("primitives/upload/success.html", text=text)


async def dismiss(text: str) -> str:
    """A message that something failed."""
    return await render_template("primitives/upload/dismiss.html", text=text)


async def accepted(files: Sequence[Accepted], refusals: Sequence[Refused]) -> str:
    """One message per file of an upload."""
    rendered = [
        await render_template("primitives/upload/accepted.html", file=item.file, same=item.same_as)
        for item in files
    ]
    rendered += [await dismiss(str(refusal)) for refusal in refusals]
    return "\n".join(rendered)


def is_navigation() -> bool:
    """Whether a browser submitted a form without scripts and will show the response as a page."""
    return (
        "HX-Request" not in request.headers
        and request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
        and "text/html" in request.headers.get("Accept", "")
    )


async def refusal(text: str) -> str:
    """An error message; a page of its own when the browser is navigating."""
    if is_navigation():
        return await render_template("error.html", text=text)
    return await dismiss(text)


async def page(view: View, *, opened: str = "", messages: str = "") -> str:
    """The page with ``opened`` as details dialog and ``messages``. Raises DatabaseUnavailable."""
    async with resources.core().database.connect() as connection:
        handlers = await repository.list_handlers(connection)
    handlers.sort(key=lambda handler: handler.name != DEFAULT_HANDLER)
    hub = resources.hub()
    listing = await hub.broadcaster.table(view)
    return await _page(
        hub.monitor.status, view, listing, handlers, opened=opened, messages=messages
    )


async def page_without_table(view: View) -> str:
    """The page while PostgreSQL is unavailable; the table arrives as a live update later."""
    return await _page(ServiceStatus(unavailable=("PostgreSQL",)), view, "", [])


async def _page(
    status: ServiceStatus,
    view: View,
    listing: str,
    handlers: Sequence[HandlerInfo],
    *,
    opened: str = "",
    messages: str = "",
) -> str:
    return await render_template(
        "index.html",
        listing=listing,
        banner=await service_banner(status),
        handlers=handlers,
        view=view,
        opened=opened,
        messages=messages,
        limits=resources.admission().limits(),
    )
