"""What CAP 1.2 messages say: one per alert that is a warning, each of them the whole of what stands of its incident after
it, since consumers put the last message in the place of those that it names. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alertbot.core.frozen import dataclass
from alertbot.core.model import Relation
from alertbot.pages.feeds.addresses import sender, stamp
from alertbot.pages.rules_standing import after_each
from alertbot.pages.views import Aftermath, PageSite, PublicAlert, StandingNumber
from alertbot.texts.document import AlertDocument, CapFacts

ALERT, UPDATE, CANCEL = "Alert", "Update", "Cancel"


@dataclass(frozen=True, slots=True)
class CapMessage:
    """One message. `references`: the earlier ones of its incident that were still in force, and those that its alert
    names. `numbers`, `over`: what stands of the incident once it is out, and what must not be called, by language."""

    alert: PublicAlert
    type: str
    references: tuple["CapMessage", ...]
    expires: datetime
    numbers: Mapping[str, tuple[StandingNumber, ...]]
    over: Mapping[str, tuple[StandingNumber, ...]]

    def triple(self, site: PageSite) -> str:
        """How later messages name this one."""
        return f"{sender(site)},{self.alert.alert},{stamp(self.alert.published_at, site)}"


def messages(published: Iterable[PublicAlert], site: PageSite) -> tuple[CapMessage, ...]:
    """The messages of these alerts, in the order of publication."""
    sent: list[CapMessage] = []
    since: dict[str, list[CapMessage]] = {}  # by incident, what was sent since its last cancel
    for after in after_each(published, languages=site.languages, exercise=site.exercise):
        if facts(after.alert) is None:
            continue
        told = since.setdefault(any_language(after.alert).incident, [])
        message = _message(after, told)
        sent.append(message)
        told.append(message)
        if message.type == CANCEL:
            told.clear()
    return tuple(sent)


def facts(alert: PublicAlert) -> CapFacts | None:
    """What CAP is told of this alert; the same in every language but for words. None: it is no warning."""
    return next((one.cap for one in alert.documents.values() if one.cap), None)


def any_language(alert: PublicAlert) -> AlertDocument:
    """For what is the same in every language."""
    return next(iter(alert.documents.values()))


def _message(after: Aftermath, told: Sequence[CapMessage]) -> CapMessage:
    at, named = after.alert.published_at, any_language(after.alert).references
    before = tuple(one for one in told if one.expires > at or one.alert.alert in named)
    kind = UPDATE if before else ALERT
    message = CapMessage(after.alert, kind, before, at, after.numbers, after.over)
    if before and not any(after.numbers.values()) and _takes_back_all(after.alert, before):
        message = replace(message, type=CANCEL)
    return replace(message, expires=_expires(message))


def _takes_back_all(alert: PublicAlert, before: Sequence[CapMessage]) -> bool:
    """Whether nothing of what was said before stands: a false alert takes back its whole incident, a retraction the
    alerts that it names."""
    said = facts(alert)
    if said is None or not said.takes_back:
        return False
    document = any_language(alert)
    if document.relation != Relation.RETRACTION:
        return True
    return all(one.alert.alert in document.references for one in before)


def _expires(message: CapMessage) -> datetime:
    """When consumers may drop it: once nothing holds that it says of itself or of a number. Without any such time, some
    hours after the promised update, so that a late update does not look like an all-clear."""
    at, document = message.alert.published_at, any_language(message.alert)
    ends = [one for one in _ends(message, document) if one > at]
    if ends:
        return max(ends)
    said = facts(message.alert)
    hours = timedelta(hours=said.hours if said else 0)
    return max(document.next_update or at, at) + hours


def _ends(message: CapMessage, document: AlertDocument) -> Iterator[datetime]:
    if document.expires:
        yield document.expires
    for numbers in message.numbers.values():
        for one in numbers:
            if one.number.ends_at:
                yield one.number.ends_at
