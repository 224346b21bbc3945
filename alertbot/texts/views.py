"""What looking at texts answers: a preview, and the kinds, as their JSON has them. Durations are in seconds."""

from collections.abc import Mapping
from dataclasses import fields

from alertbot.core.frozen import dataclass
from alertbot.core.model import (
    Action,
    Approvals,
    Cost,
    Fault,
    Measure,
    Message,
    Omission,
    Picture,
    WhenUncertain,
)
from alertbot.texts.kinds.kind_spec import FieldSpec, Kind, in_words
from alertbot.texts.preview.phrases import Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultView:
    """A fault of an alert, and where it is."""

    rule: str
    field: str | None
    channel: str | None
    lang: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """One text as it goes out. `length` and `limit` are in `measure`; `picture` is the digest of one."""

    channel: str
    type: str
    lang: str
    part: int
    parts: int
    text: str
    html: str | None
    subject: str | None
    length: int
    limit: int | None
    measure: Measure
    action: Action
    picture: str | None
    alt: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureView:
    """The facts about a picture; `bytes`: its size. The picture itself is in the HTML preview."""

    digest: str
    mime: str
    width: int
    height: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastView:
    """How long until the last recipient is reached."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRuleView:
    """Who must approve: how many, whether the author counts, and how long there is time for it."""

    approvers: int
    author_may_approve: bool
    expires_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewView:
    """An alert as it would be published, with its faults."""

    kind: str
    digest: str
    messages: tuple[MessageView, ...]
    faults: tuple[FaultView, ...]
    warnings: tuple[FaultView, ...]
    completeness: Mapping[str, bool | None]
    cost: Cost
    forecast: ForecastView
    approvals: ApprovalRuleView
    omitted: tuple[Omission, ...]
    accepted: tuple[FaultView, ...]
    publishable: bool
    retraction: tuple[MessageView, ...]
    pictures: tuple[PictureView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KindView:
    """A kind of alert, in the reader's language."""

    kind: str
    title: str
    purpose: str
    languages: tuple[str, ...]
    approvers: int
    author_may_approve: bool
    expires_after: float
    priority: int
    ttl: float
    when_uncertain: WhenUncertain
    final: bool
    automatic: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """A field of a kind. `choices`: what may be given, each with its words."""

    name: str
    type: str
    required: bool
    label: str
    help: str
    choices: Mapping[str, str]
    longest: int | None
    needs: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KindDetailsView(KindView):
    """A kind with its fields, and the names of those that it must not have."""

    fields: tuple[FieldView, ...]
    forbidden: tuple[str, ...]


def kind_view(kind: Kind) -> KindView:
    return KindView(
        kind=kind.name,
        title=in_words(kind.title),
        purpose=in_words(kind.purpose),
        languages=kind.languages,
        approvers=kind.approvals.approvers,
        author_may_approve=kind.approvals.author_may_approve,
        expires_after=kind.approvals.expires_after.total_seconds(),
        priority=kind.priority,
        ttl=kind.ttl.total_seconds(),
        when_uncertain=kind.when_uncertain,
        final=kind.final,
        automatic=kind.automatic,
    )


def kind_details_view(kind: Kind) -> KindDetailsView:
    short = kind_view(kind)
    return KindDetailsView(
        **{each.name: getattr(short, each.name) for each in fields(KindView)},
        fields=tuple(map(_field, kind.fields)),
        forbidden=kind.forbidden,
    )


def _field(spec: FieldSpec) -> FieldView:
    return FieldView(
        name=spec.name,
        type=spec.type,
        required=spec.required,
        label=in_words(spec.label),
        help=in_words(spec.help),
        choices={key: in_words(words) for key, words in spec.choices.items()},
        longest=spec.longest,
        needs=spec.needs,
    )


def preview_view(sheet: Sheet) -> PreviewView:
    """The whole preview."""
    shown = sheet.composition
    return PreviewView(
        kind=shown.kind,
        digest=shown.digest,
        messages=tuple(map(message_view, shown.messages)),
        faults=tuple(map(fault_view, shown.faults)),
        warnings=tuple(map(fault_view, shown.warnings)),
        completeness=shown.completeness,
        cost=sheet.cost,
        forecast=ForecastView(seconds=round(sheet.forecast.seconds, 3)),
        approvals=_approvals(sheet.approvals),
        omitted=shown.omitted,
        accepted=tuple(map(fault_view, shown.accepted)),
        publishable=shown.publishable,
        retraction=tuple(map(message_view, shown.retraction)),
        pictures=tuple(map(_picture, shown.pictures)),
    )


def message_view(message: Message) -> MessageView:
    return MessageView(
        channel=message.channel,
        type=message.type,
        lang=message.lang,
        part=message.part,
        parts=message.parts,
        text=message.text,
        html=message.html,
        subject=message.subject,
        length=message.length,
        limit=message.limit,
        measure=message.measure,
        action=message.action,
        picture=message.picture,
        alt=message.alt,
    )


def fault_view(fault: Fault) -> FaultView:
    return FaultView(
        rule=fault.rule,
        field=fault.field,
        channel=fault.channel,
        lang=fault.lang,
        message=fault.message,
    )


def _picture(picture: Picture) -> PictureView:
    return PictureView(
        digest=picture.digest,
        mime=picture.mime,
        width=picture.width,
        height=picture.height,
        bytes=len(picture.content),
    )


def _approvals(approvals: Approvals) -> ApprovalRuleView:
    return ApprovalRuleView(
        approvers=approvals.approvers,
        author_may_approve=approvals.author_may_approve,
        expires_after=int(approvals.expires_after.total_seconds()),
    )
