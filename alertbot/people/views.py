"""What the verbs about people and tasks return: plain values that `--json` prints and tables show."""

from datetime import datetime

from alertbot.core.frozen import dataclass


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person. `roles` in alphabetical order. `counts`: whether the person may act now."""

    id: int
    name: str
    roles: tuple[str, ...]
    counts: bool


@dataclass(frozen=True, slots=True)
class IssuedToken(PersonView):
    """A person with a new token, which is stored only as a hash and shown only here."""

    token: str


@dataclass(frozen=True, slots=True)
class PersonLine(PersonView):
    """A person in the list. `standing`: why someone does not count, in words; empty if they do.
    `reached_by`: the ways in which approval requests reach the person. `roles_asked`: further roles that wait for
    another admin than `roles_asked_by`. `seen_by`: whoever could act as this person."""

    standing: str
    added_at: datetime
    confirmed_at: datetime | None
    revoked_at: datetime | None
    token_expires_at: datetime | None
    last_used_at: datetime | None
    reached_by: tuple[str, ...]
    added_by: str | None = None
    confirmed_by: str | None = None
    roles_asked: tuple[str, ...] = ()
    roles_asked_by: str | None = None
    seen_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkCode:
    """A one-time code that links the person's Telegram account until `expires_at`."""

    name: str
    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class InvitationView:
    """A code to sign in at the desk with once, until `expires_at`; `url`: the page that takes it. `shared`: another
    person has issued it, and counts as one hand with `name` until the person has renewed their token."""

    name: str
    code: str
    url: str
    expires_at: datetime
    shared: bool


@dataclass(frozen=True, slots=True)
class SessionView:
    """Where a person is signed in at the desk. `way`: how: link, token, passkey, recovery or oidc."""

    id: int
    way: str
    device: str
    started_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class UnlinkView:
    """Whether a Telegram account was unlinked (False if none was linked)."""

    name: str
    unlinked: bool


@dataclass(frozen=True, slots=True)
class MailAddress:
    """Where a person's approval links are mailed to; None: nowhere."""

    name: str
    mail: str | None


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task for a person. Open until `done_at`; `done_by` is a person's name, or the program's.
    `number`: the register entry that it is about, such as `N12`."""

    id: int
    kind: str
    text: str
    alert: str | None
    incident: str | None
    number: str | None
    due_at: datetime | None
    raised_at: datetime
    done_at: datetime | None
    done_by: str | None
    outcome: str | None
