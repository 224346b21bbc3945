"""What programs send: bodies and queries, strictly as described. Names as in the options of the command line."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from alertbot.core.json import Json
from alertbot.core.model import DeliveryState
from alertbot.core.words import _
from alertbot.watch.rules_log import State

LONGEST_TEXT = 20_000
LONGEST_NAME = 200
LONGEST_REASON = 2000
LONGEST_QUERY = 2000
MOST_NAMES = 200
MOST_ROWS = 1000  # of one page
LARGEST_ID = 2**31 - 1


def _readable(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT and "\0" not in value
    if isinstance(value, list):
        return all(map(_readable, value))
    return isinstance(value, dict) and all(
        isinstance(name, str) and _readable(each) for name, each in value.items()
    )


def _texts(values: dict[str, Any]) -> dict[str, Any]:
    """As `--vars` reads them: texts, in lists or by language. A number such as 01 is a text."""
    for name, value in values.items():
        if not _readable(value):
            said = _("{name} must be a text, or texts in a list or by language; numbers and times too")
            raise PydanticCustomError("texts", "{said}", {"said": said.format(name=name[:60])})
    return values


_A_VALUE: dict[str, Json] = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "object"}]}},
        {"type": "object", "additionalProperties": {"type": "string"}},
    ]
}
Values = Annotated[
    dict[str, Any],
    AfterValidator(_texts),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": _A_VALUE,
            "description": "Field values as people type them: texts, also for numbers and times; lists; one text for each language.",
        }
    ),
]


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("texts", "{said}", {"said": _("must hold no NUL character")})
    return text


Name = Annotated[str, Field(max_length=LONGEST_NAME), AfterValidator(_without_nul)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_without_nul)]
Reason = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON), AfterValidator(_without_nul)]
Names = Annotated[list[Name], Field(max_length=MOST_NAMES)]
Accepted = Annotated[
    dict[Name, Reason],
    Field(
        max_length=MOST_NAMES, description="Faults that are a matter of judgement, each with a reason."
    ),
]


class Said(BaseModel):
    """Nothing."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Asked(BaseModel):
    """A query without parameters."""

    model_config = ConfigDict(extra="forbid")


# --- bodies ---------------------------------------------------------------------------------------


class PreviewBody(Said):
    """What a preview is made of; without values the kind's example."""

    kind: Name
    values: Values = {}
    languages: Names = []
    channels: Names = []
    accept: Accepted = {}
    exercise: bool = False


class DraftBody(Said):
    """A new alert: of a kind, or `like` one that never went out. `assistant`: the program that worded it for the person,
    which approvers are told."""

    kind: Name | None = None
    values: Values = {}
    languages: Names = []
    channels: Names = []
    accept: Accepted = {}
    exercise: bool = False
    incident: Name | None = None
    new_incident: bool = False
    not_before: Name | None = None
    like: Name | None = None
    assistant: Annotated[Name | None, Field(max_length=100)] = None


class EditBody(Said):
    """Changed values, and faults that are accepted. With a `revision` it is refused if the alert has another by now."""

    values: Values = {}
    accept: Accepted = {}
    revision: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None


class SubmitBody(Said):
    """`retime`: compose again, so that `now` and relative times count from this moment."""

    retime: bool = False


class DigestBody(Said):
    """What is approved."""

    digest: Annotated[
        str,
        Field(pattern=r"^[0-9a-f]{64}$", description="The whole digest of the text that was shown."),
    ]


class ReasonBody(Said):
    """Why. With a `digest` it is refused if the text is another by now."""

    reason: Reason
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class FollowBody(Said):
    """What follows an alert: values that differ, and whether approval is asked for at once."""

    values: Values = {}
    accept: Accepted = {}
    submit: bool = False


class UpdateBody(FollowBody):
    """An update, of another kind if one is given."""

    kind: Name | None = None


class CorrectBody(FollowBody):
    """A correction. `wrong`: numbers of the alert that must not be called, as entries or digits; `right`: what replaces
    each."""

    wrong: Names = []
    right: Names = []


class FalseAlertBody(FollowBody):
    """That an alert was false. `text`: what is true, for all languages or by language."""

    text: Text | dict[Name, Text] | None = None


class RetractBody(Said):
    """The retraction that was prepared with the alert. `now`: also submit and approve it, where one may do so alone."""

    submit: bool = False
    now: bool = False


class WithdrawBody(FollowBody):
    """Numbers that are no longer to be called: all of an `alert`, or what a query finds `but` what stays."""

    alert: Name | None = None
    numbers: Text = ""
    but: Text = ""
    incident: Name | None = None


class HaltBody(Said):
    """An alert, a channel, or without either everything."""

    alert: Name | None = None
    channel: Name | None = None


class SettleBody(Said):
    """What was found of a delivery that was perhaps sent: it stands (`url`: where), send it again, or leave it."""

    word: Literal["sent", "resend", "drop"]
    url: Name | None = None


class VerifyBody(Said):
    """A number read back: its digits typed again, and how the test call went (`answered`, `no-answer`, `busy`,
    `wrong-service`, `not-called`) and when. With a `version` it is refused if the entry has another form by now."""

    digits: Name
    call: Name
    called_at: Name | None = None
    note: Text | None = None
    version: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None


class ReadBackBody(Said):
    """Whose numbers are read back: a territory, or a query of the register."""

    query: Annotated[str, Field(min_length=1, max_length=LONGEST_QUERY), AfterValidator(_without_nul)]


class OpenBody(Said):
    """A new incident: its title, for the team; or the watched service or group that it is about, and how that stands."""

    title: Name | None = None
    service: Name | None = None
    state: Annotated[State, Field(strict=False)] | None = None


class StateBody(Said):
    """The state of an incident. `confirmed_by`: which of the services concerned says that it works again."""

    state: Annotated[State, Field(strict=False)]
    confirmed_by: Name | None = None
    note: Text | None = None


# --- queries --------------------------------------------------------------------------------------


class ShowQuery(Asked):
    """`shown`: a person is shown all of it now, which an approval needs; for tokens that may approve."""

    shown: bool = False


class ChangesQuery(Asked):
    """`since`: differences from that revision instead of the one that this person was shown last."""

    since: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None


class StatusQuery(Asked):
    """Everything, or one alert."""

    alert: Name | None = None


class DeliveriesQuery(Asked):
    """Deliveries in the order written, a page at a time. `limit` without `cursor`: the newest; the header `Link` leads to
    those before them."""

    alert: Name | None = None
    state: DeliveryState | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 200
    cursor: Annotated[int, Field(ge=1)] | None = None


class NumbersQuery(Asked):
    """Entries of the register: `22,29/samu,N12`."""

    query: Annotated[str, Field(max_length=LONGEST_QUERY), AfterValidator(_without_nul)] | None = None
    standing: Name | None = None
