"""The description of the API as OpenAPI 3.1, made from its operations: bodies from the models that read them, answers from
the views that are written, by the same marks as `core.json`."""

import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from alertbot import __version__
from alertbot.core.json import Json
from alertbot.people.rules import Scope
from alertbot.web.api import problems
from alertbot.web.api.room import ROOT, Operation

Schema = dict[str, Json]
Part: TypeAlias = dict[str, Any]  # of the document: an operation, a parameter, an answer
REF = "#/components/schemas/"
PLAIN: Mapping[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
}


class Schemas:
    """The schemas of views, each class once by its name."""

    def __init__(self) -> None:
        self.found: dict[str, Json] = {}

    def of(self, kind: Any) -> Schema:
        """The schema of what `as_json` makes of a value of this type."""
        if kind in PLAIN:
            return dict(PLAIN[kind])
        if isinstance(kind, type) and issubclass(kind, Enum):
            return {"type": "string", "enum": [str(one.value) for one in kind]}
        if isinstance(kind, type) and is_dataclass(kind):
            return self._view(kind)
        origin, inner = get_origin(kind), get_args(kind)
        if origin in (Union, UnionType):
            return {"anyOf": [self.of(one) for one in inner]}
        if origin is Literal:
            return {"enum": list(inner)}
        if origin is tuple and inner[-1] is not Ellipsis:
            return {"type": "array", "prefixItems": [self.of(one) for one in inner], "items": False}
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.of(inner[1])}
        if isinstance(origin, type) and issubclass(origin, Sequence):
            return {"type": "array", "items": self.of(inner[0])}
        return {}  # any JSON

    def _view(self, kind: Any) -> Schema:
        name = str(kind.__name__)
        if name not in self.found:
            self.found[name] = {}  # it may hold itself
            self.found[name] = self._written(kind)
        return {"$ref": REF + name}

    def _written(self, kind: Any) -> Schema:
        hints = typing.get_type_hints(kind)
        marks = {one.name: one.metadata.get("json") for one in fields(kind)}
        named = {name: mark for name, mark in marks.items() if mark != "never"}
        return {
            "type": "object",
            "description": " ".join(str(kind.__doc__ or "").split()),
            "properties": {name: self.of(hints[name]) for name in named},
            "required": [name for name, mark in named.items() if mark != "if set"],
        }


def document(operations: Sequence[Operation]) -> Schema:
    """The whole description."""
    schemas = Schemas()
    sent = _sent([one.said for one in operations if one.changes])
    paths: Part = {}
    for one in operations:
        paths.setdefault(ROOT + one.path, {})[one.method.lower()] = _operation(one, schemas)
    paths |= _without_token()
    components: Part = {
        "responses": {str(status): _refusal(status) for status in sorted({*problems.STATUS.values()})},
        "schemas": dict(sorted({**schemas.found, **sent, "Problem": _problem(), **_oauth()}.items())),
        "securitySchemes": {
            "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token of a person, with scopes: " + ", ".join(Scope) + ".",
            }
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "alertbot",
            "version": __version__,
            "description": "What the desk does, for programs. See docs/reference/api.md.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": components,
    }


def _sent(models: Sequence[type[BaseModel]]) -> dict[str, Json]:
    unique = list(dict.fromkeys(models))
    _map, made = models_json_schema(
        [(one, "validation") for one in unique], ref_template=REF + "{model}"
    )
    return dict(made["$defs"])


def _operation(one: Operation, schemas: Schemas) -> Part:
    parameters = [_path_parameter(name) for name in _names(one.path)]
    described: Part = {
        "summary": one.summary,
        "operationId": one.act.__module__.rsplit(".", 1)[-1] + one.act.__name__,
        "description": _needs(one),
        "responses": _responses(one, schemas),
    }
    if one.changes:
        parameters += [_header("Idempotency-Key", _KEY), _header("If-Match", _MATCH)]
        reference = {"$ref": REF + one.said.__name__}
        body = {
            "required": bool(_required(one)),
            "content": {"application/json": {"schema": reference}},
        }
        described["requestBody"] = body
    else:
        parameters += _query(one)
    return described | ({"parameters": parameters} if parameters else {})


_KEY = "The same key with the same request gets the same answer, for 24 hours; nothing is done twice."
_MATCH = "The digest of the text that the program has, in quotes: refused if it has changed."


def _required(one: Operation) -> bool:
    return any(each.is_required() for each in one.said.model_fields.values())


def _needs(one: Operation) -> str:
    needed = f"Needs the scope `{one.scope}`." if one.scope else "Any token that counts."
    return " ".join([*str(one.said.__doc__ or "").split(), needed] if one.changes else [needed])


def _names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _path_parameter(name: str) -> Part:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _header(name: str, description: str) -> Part:
    schema = {"type": "string"}
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": schema,
    }


def _query(one: Operation) -> list[Part]:
    made = one.said.model_json_schema(ref_template=REF + "{model}")
    definitions = made.get("$defs", {})
    return [
        {"name": name, "in": "query", "required": False, "schema": _plain(schema, definitions)}
        for name, schema in made.get("properties", {}).items()
    ]


def _plain(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """A parameter's schema without references and without null, which no query can say."""
    kinds = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    found = definitions[kinds[0]["$ref"].rsplit("/", 1)[-1]] if "$ref" in kinds[0] else kinds[0]
    return {name: value for name, value in found.items() if name not in ("title", "description")}


def _responses(one: Operation, schemas: Schemas) -> Part:
    said = [400, 401, 403, 404, 408, 409, 422, 429, 500, 503]
    said += [413, 415] if one.changes else []
    refused = {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(said)}
    answer = {"application/json": {"schema": schemas.of(one.answer)}}
    return {str(one.status): {"description": one.summary, "content": answer}, **refused}


def _refusal(status: int) -> Part:
    names = [name for name, code in problems.STATUS.items() if code == status]
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": REF + "Problem"}}}
    return {"description": ", ".join(names), "content": content}


def _problem() -> Schema:
    """Problem details (RFC 9457)."""
    types: list[Json] = [problems.TYPE + name for name in problems.STATUS]
    rows: Schema = {"type": "array", "items": {"type": "object"}}
    return {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": types},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "errors": rows,
            "faults": rows,
            "contradictions": rows,
            "changes": {"type": "object"},
            "done": {"type": "array", "items": {"type": "string"}},
            "digest": {"type": "string"},
            "scope": {"type": "string"},
            "moment": {"type": "string", "format": "date-time"},
        },
        "required": ["type", "title", "status", "detail"],
    }


# --- signing a machine in -------------------------------------------------------------------------


def _oauth() -> dict[str, Json]:
    text: Schema = {"type": "string"}
    number: Schema = {"type": "integer"}
    codes = ("device_code", "user_code", "verification_uri", "verification_uri_complete")
    return {
        "DeviceCodes": _object(
            {**dict.fromkeys(codes, text), "expires_in": number, "interval": number}
        ),
        "AccessToken": _object(
            {"access_token": text, "token_type": text, "expires_in": number, "scope": text}
        ),
        "OAuthProblem": _object({"error": text, "error_description": text}),
    }


def _object(properties: Mapping[str, Json]) -> Schema:
    return {"type": "object", "properties": dict(properties), "required": list(properties)}


def _without_token() -> Part:
    asked = {"scope": {"type": "string"}, "machine": {"type": "string", "maxLength": 100}}
    polled = {"grant_type": {"type": "string"}, "device_code": {"type": "string"}}
    return {
        f"{ROOT}/device": {
            "post": _form("Ask for a token (RFC 8628)", "ask_device", asked, [], "DeviceCodes")
        },
        f"{ROOT}/token": {
            "post": _form(
                "Whether the person has answered", "poll_token", polled, list(polled), "AccessToken"
            )
        },
    }


def _form(summary: str, name: str, properties: Part, required: list[str], answer: str) -> Part:
    schema = {"type": "object", "properties": properties, "required": required}
    problem = {"schema": {"$ref": REF + "Problem"}}
    refused = {
        "application/json": {"schema": {"$ref": REF + "OAuthProblem"}},
        problems.MEDIA_TYPE: problem,
    }
    codes = ("400", "403", "408", "413", "415", "429", "500", "503")
    good = {"application/json": {"schema": {"$ref": REF + answer}}}
    return {
        "summary": summary,
        "operationId": name,
        "security": [],
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": schema}},
        },
        "responses": {
            "200": {"description": summary, "content": good},
            **{code: {"description": "Refused", "content": refused} for code in codes},
        },
    }
