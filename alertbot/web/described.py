"""The models that describe the machine interfaces in `/openapi.json`."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from alertbot.core.json import Json


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReportsTaken(Document):
    """The reports are stored."""

    stored: int = Field(ge=0, description="Reports in the body.")
    new: int = Field(ge=0, description="Those among them that were not known before.")


class Problem(Document):
    """Nothing was stored; the sentence says why."""

    error: str


class NotUnderstood(Document):
    """The body is kept for people to look at; nothing was decided on it."""

    error: str
    keys: list[str] = Field(description="The names at the top of the body.")
    quarantine: int = Field(description="Its number in `alertbot signals --quarantine`.")
    looks_like: str | None = Field(default=None, description="Another type that sends such bodies.")


class Ready(Document):
    """Whether this process can do its work."""

    ready: bool
    database: bool
    worker: bool
    watch: bool


ANY_JSON: dict[str, Json] = {"schema": {}}
A_FORM: dict[str, Json] = {
    "schema": {
        "type": "object",
        "properties": {"data": {"type": "string", "description": "The JSON, as text."}},
        "required": ["data"],
    }
}
RETRY_AFTER: dict[str, Json] = {
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
}

SIGNALS: dict[str, Any] = {
    "summary": "Report how services do",
    "description": "Whatever the source's own format is. 202 is answered once the reports are stored.",
    "status_code": 202,
    "response_model": ReportsTaken,
    "responses": {
        400: {"model": Problem, "description": "The body broke off."},
        401: {
            "model": Problem,
            "description": "No such source, not its secret, or signed for another time.",
            "headers": {"WWW-Authenticate": {"schema": {"type": "string"}}},
        },
        408: {"model": Problem, "description": "The body did not arrive in time."},
        413: {"model": Problem, "description": "The body is too large."},
        422: {"model": NotUnderstood, "description": "Not understood; kept in quarantine."},
        429: {"model": Problem, "description": "Too many.", "headers": RETRY_AFTER},
        503: {"model": Problem, "description": "Not stored; send it again.", "headers": RETRY_AFTER},
    },
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": ANY_JSON,
                "application/x-www-form-urlencoded": A_FORM,
                "multipart/form-data": A_FORM,
            },
        },
        "security": [{"bearer": []}, {"signature": [], "timestamp": []}],
    },
}
SIGNALS_BY_PATH: dict[str, Any] = SIGNALS | {
    "summary": "Report how services do, for senders that cannot set headers",
    "openapi_extra": {"requestBody": SIGNALS["openapi_extra"]["requestBody"], "security": []},
}
SECURITY_SCHEMES: dict[str, Json] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The source's secret."},
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Alertbot-Signature",
        "description": "sha256= and the HMAC-SHA256, in hexadecimal, of timestamp, full stop and body.",
    },
    "timestamp": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Alertbot-Timestamp",
        "description": "Unix seconds.",
    },
}
