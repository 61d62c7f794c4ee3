"""Query strings as typed models, and short url-encoded forms."""

from typing import TypeVar, get_origin
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, ValidationError
from quart import request
from werkzeug.datastructures import MultiDict

from processing.errors import BadForm, BadQuery


class QueryParameters(BaseModel):
    """Parameters of a route; unknown ones are refused, so that a typo is not ignored."""

    model_config = ConfigDict(extra="forbid")


_Model = TypeVar("_Model", bound=QueryParameters)


def read_query(model: type[_Model]) -> _Model:
    """Read the request's parameters. Raises BadQuery, which names the invalid one."""
    values: dict[str, object] = {}
    for name, sent in request.args.lists():
        field = model.model_fields.get(name)
        repeatable = field is not None and get_origin(field.annotation) is list
        if any("\0" in value for value in sent):
            raise BadQuery(f"Parameter {name[:50]!r} contains a NUL character.")
        if not repeatable and len(sent) > 1:
            raise BadQuery(f"Parameter {name[:50]!r} was sent more than once.")
        values[name] = sent if repeatable else sent[0]
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        if first["type"] == "extra_forbidden":
            known = ", ".join(model.model_fields)
            raise BadQuery(
                f"Unknown parameter {name[:50]!r}. Known parameters: {known or 'none'}."
            ) from error
        raise BadQuery(
            f"Parameter {name[:50]!r}: {first['msg'].removeprefix('Value error, ')}."
        ) from error


MAX_FORM_BYTES = 64 * 1024


async def read_small_form() -> MultiDict[str, str]:
    """Read a short url-encoded form. Raises BadForm for anything else."""
    if request.mimetype != "application/x-www-form-urlencoded":
        raise BadForm("Send the form as application/x-www-form-urlencoded.")
    body = bytearray()
    async for chunk in request.body:
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise BadForm(f"The form is larger than {MAX_FORM_BYTES // 1024} KiB.")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=1000)
    except ValueError as error:
        raise BadForm(f"The form cannot be decoded: {error}.") from error
    return MultiDict(pairs)
