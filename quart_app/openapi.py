"""The OpenAPI document: routes by quart-schema, what it cannot know said beside each route."""

from collections.abc import Callable
from typing import Any, TypeVar

from quart import Quart
from quart_schema import Info, OpenAPIProvider, QuartSchema
from werkzeug.routing import Rule

_NOTES = "_millrace_openapi"
_Route = TypeVar("_Route", bound=Callable[..., Any])


def describe(responses: dict[int, tuple[str, str]], **operation: Any) -> Callable[[_Route], _Route]:
    """Say what a route answers: status → (content type, or '' for no body; description)."""
    notes = dict(operation)
    notes["responses"] = {
        str(status): {"description": description}
        | ({"content": {kind: {"schema": {"type": "string"}}}} if kind else {})
        for status, (kind, description) in responses.items()
    }

    def decorate(route: _Route) -> _Route:
        setattr(route, _NOTES, notes)
        return route

    return decorate


class _Provider(OpenAPIProvider):
    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        paths, components = super().build_paths(rule)
        notes = getattr(self._app.view_functions[rule.endpoint], _NOTES, {})
        for methods in paths.values():
            for operation in methods.values():
                operation.update(notes)
        return paths, components


def document(app: Quart) -> None:
    """Serve the document at /openapi.json; the page that shows it is ours."""
    QuartSchema(
        app,
        openapi_path="/openapi.json",
        swagger_ui_path=None,
        redoc_ui_path=None,
        scalar_ui_path=None,
        info=Info(
            title="Millrace",
            version="0.1.0",
            description="The place where CSV files land: upload, watch, take the Parquet.",
        ),
        openapi_provider_class=_Provider,
    )
