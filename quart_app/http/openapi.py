"""The OpenAPI document: routes from quart-schema, the rest declared beside each route."""

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, TypeVar

from pydantic import BaseModel
from quart import Quart
from quart_schema import Info, OpenAPIProvider, QuartSchema
from werkzeug.routing import IntegerConverter, Rule
from werkzeug.routing.converters import BaseConverter

from quart_app.http.problems import MEDIA_TYPE, Problem

_METADATA = "_millrace_openapi"
_DESCRIPTION = """Upload CSV files, follow their progress and download clean, typed data.

With **curl**:

```sh
curl -T sales.csv http://127.0.0.1:8000/api/v1/files/
curl 'http://127.0.0.1:8000/api/v1/files/1?wait=30'
curl -OJ http://127.0.0.1:8000/api/v1/files/1/artifacts/clean.parquet
```

With **Python**:

```python
import httpx

client = httpx.Client(base_url="http://127.0.0.1:8000/api/v1", timeout=60)
file = client.put("/files/sales.csv", content=open("sales.csv", "rb")).json()["file"]
file = client.get(f"/files/{file['id']}", params={"wait": 30}).json()
```

With the **client**, which resumes interrupted uploads:

```sh
millrace put sales.csv --wait
millrace get 1 clean.parquet
```

Errors are problem details (RFC 9457). For large files, prefer resumable uploads (tus).
"""
_REF = "#/components/schemas/{model}"
MAX_ID = 2**63 - 1
Content = str | type[BaseModel]
# A request header: its description and the pattern of its value.
Header = tuple[str, str]
_Route = TypeVar("_Route", bound=Callable[..., Any])


def describe(
    responses: Mapping[int, tuple[Content, str]],
    *,
    query: type[BaseModel] | None = None,
    headers: Mapping[str, Header] | None = None,
    **operation: Any,
) -> Callable[[_Route], _Route]:
    """Declare the parameters and responses of a route.

    ``responses``: status → (a model of JSON, a content type of text or bytes, or '' for no body;
    description). ``query``: the model of its parameters. ``headers``: the request headers it reads.
    ``operation``: further fields of the OpenAPI operation.
    """
    metadata = {"responses": responses, "query": query, "headers": headers or {}, "more": operation}

    def decorate(route: _Route) -> _Route:
        setattr(route, _METADATA, metadata)
        return route

    return decorate


def _schema(model: type[BaseModel], mode: Any = "serialization") -> tuple[dict[str, Any], Any]:
    """The JSON Schema of a model, and the schemas of nested models by name."""
    schema = model.model_json_schema(ref_template=_REF, mode=mode)
    return schema, schema.pop("$defs", {})


class _Provider(OpenAPIProvider):
    def build_path_parameter(self, name: str, converter: BaseConverter) -> dict[str, Any]:
        parameter = super().build_path_parameter(name, converter)
        if isinstance(converter, IntegerConverter):
            parameter["schema"] |= {"minimum": 1, "maximum": MAX_ID}
        else:
            parameter["schema"] |= {"minLength": 1}
        return parameter

    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        paths, components = super().build_paths(rule)
        metadata = getattr(self._app.view_functions[rule.endpoint], _METADATA, None)
        for methods in paths.values():
            for operation in methods.values():
                if metadata is not None:
                    self._apply(metadata, rule, operation, components)
        return paths, components

    def _apply(
        self,
        metadata: Mapping[str, Any],
        rule: Rule,
        operation: dict[str, Any],
        components: dict[str, Any],
    ) -> None:
        if not operation.get("description"):
            operation.pop("description", None)
        operation["parameters"] = [
            *operation["parameters"],
            *self._query(metadata["query"], components),
            *(
                {
                    "name": name,
                    "in": "header",
                    "description": text,
                    "schema": {"type": "string", "pattern": pattern},
                }
                for name, (text, pattern) in metadata["headers"].items()
            ),
        ]
        operation["responses"] = {
            str(status): self._response(content, description, components)
            for status, (content, description) in metadata["responses"].items()
        }
        if rule.rule.startswith("/api/"):
            components["Problem"] = _schema(Problem)[0]
            reference = {"$ref": _REF.format(model="Problem")}
            operation["responses"]["default"] = {
                "description": "The error, as problem details (RFC 9457).",
                "content": {MEDIA_TYPE: {"schema": reference}},
            }
        elif rule.rule.startswith("/processing_file/"):
            operation["responses"]["default"] = {
                "description": "An HTML fragment with the error message.",
                "content": {
                    "text/html": {"schema": {"type": "string"}},
                    MEDIA_TYPE: {"schema": {"type": "object"}},
                },
            }
        operation.update(metadata["more"])

    def _query(
        self, model: type[BaseModel] | None, components: dict[str, Any]
    ) -> list[dict[str, Any]]:
        if model is None:
            return []
        schema, definitions = _schema(model, "validation")
        components.update(definitions)
        return [
            {
                "name": name,
                "in": "query",
                "schema": {k: v for k, v in kind.items() if k not in ("description", "title")},
                "description": kind.get("description", ""),
                "required": name in schema.get("required", ()),
            }
            for name, kind in schema["properties"].items()
        ]

    def _response(
        self, content: Content, description: str, components: dict[str, Any]
    ) -> dict[str, Any]:
        if content == "":
            return {"description": description}
        if isinstance(content, str):
            kinds = {"application/json": {"type": "object"}, "*/*": {}}
            return {
                "description": description,
                "content": {content: {"schema": kinds.get(content, {"type": "string"})}},
            }
        schema, definitions = _schema(content)
        components |= {**definitions, content.__name__: schema}
        reference = {"$ref": _REF.format(model=content.__name__)}
        return {
            "description": description,
            "content": {"application/json": {"schema": reference}},
        }


def register(app: Quart) -> None:
    """Serve the document at /openapi.json; Swagger UI is a page of our own."""
    QuartSchema(
        app,
        openapi_path="/openapi.json",
        swagger_ui_path=None,
        redoc_ui_path=None,
        scalar_ui_path=None,
        info=Info(
            title="Millrace",
            version=version("millrace"),
            description=_DESCRIPTION,
        ),
        openapi_provider_class=_Provider,
    )
