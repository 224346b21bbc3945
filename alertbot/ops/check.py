"""`alertbot check`: whether kinds, templates, rules, secrets and settings are right before they are
needed, and on request each channel's account."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from alertbot.alerts.compose import DraftRequest, asks, look
from alertbot.channels.base import SHIPPED
from alertbot.config import region_pack
from alertbot.config.faults import lines_in
from alertbot.config.yaml_faults import Path
from alertbot.core.errors import AlertbotError, ConfigInvalid, Misuse
from alertbot.core.model import Audience, Channel, Fault, RawValues, Target
from alertbot.core.words import _
from alertbot.ops import languages, overview, public_page, returning, trust
from alertbot.ops.views import ConfigCheckView, IdentityView
from alertbot.pages.words import check_words
from alertbot.people import confirming
from alertbot.regions import packs
from alertbot.regions.facts import in_force
from alertbot.texts.kinds import catalogue, kind_spec
from alertbot.texts.kinds.kind_spec import Kind, Template
from alertbot.texts.publisher import Publisher
from alertbot.texts.wording.render import TemplateBrokenError, check
from alertbot.watch.preapproval import signing
from alertbot.watch.preapproval.rules_ahead import PreapprovalReason
from alertbot.watch.preapproval.sample import BEGINNINGS, compose_template, forbidden, untitled
from alertbot.watch.proposing import HOLDING
from alertbot.watch.reports import inlets
from alertbot.watch.rules_rule import Rule, RuleMode, Transition
from alertbot.watch.witness import looking

if TYPE_CHECKING:
    from alertbot.app import App


ABOUT_NUMBERS = frozenset({"unverified_number", "fictional_number"})  # the register knows more
Findings = Iterator[tuple[Path, str]]


def rule_problems(app: "App") -> list[str]:
    """What must be fixed in rules, each with its place in the file."""
    return _rule_lines(app, (found for rule in app.watch.rules for found in _wrong(app, rule)))


def rule_warnings(app: "App") -> list[str]:
    """What a person will have to add to the alerts that a rule proposes."""
    every = app.watch.rules
    lacking = (found for rule in every for found in _lacking(app, rule))
    again = (found for rule in every for found in _said_twice(rule))
    return _rule_lines(app, chain(lacking, again))


def _said_twice(rule: Rule) -> Findings:
    """A rule that would say a first word again: another kind is written in its place, and people must approve it."""
    if (
        rule.kind != HOLDING
        or rule.how is RuleMode.OFF
        or not rule.on - {*BEGINNINGS, Transition.REOPEN}
    ):
        return
    yield (
        ("rules", rule.name, "kind"),
        _(
            "the public has read a first word by then, so that `no_news` (where nothing is new) or `status` is written"
            " instead, and waits for approval. Use `kind: no_news` or `kind: status`."
        ),
    )


async def approval_warnings(app: "App") -> list[str]:
    """Automatic rules that are not approved, if there is a database that can tell."""
    automatic = [rule.name for rule in app.watch.rules if rule.how is RuleMode.AUTO]
    if not automatic or not app.config.database_exists():
        return []
    try:
        listed = await signing.listing(await app.open())
    except AlertbotError as error:
        return [_("rules: preapprovals could not be read: {why}").format(why=error)]
    return [
        f"rules.{row.rule}: {row.why}"
        for row in listed
        if row.rule in automatic
        and row.state not in (None, PreapprovalReason.FORBIDDEN, PreapprovalReason.IN_FORCE)
    ]


def _wrong(app: "App", rule: Rule) -> Findings:
    place: Path = ("rules", rule.name)
    try:
        kind = catalogue.load_kind(rule.kind, *app.publisher.folders)
    except ConfigInvalid:
        return  # told with the kinds
    except Misuse as error:
        yield (*place, "kind"), str(error)
        return
    if rule.how is RuleMode.AUTO and (never := forbidden(rule, kind)):
        yield (*place, "auto_after" if rule.after else "policy"), never
    if rule.how is RuleMode.AUTO and (bare := untitled(rule, app.watch)):
        yield (*place, "services"), bare
    try:
        found = _faults(app, rule, kind)
    except Misuse as error:
        yield (*place, "languages"), str(error)
        return
    for fault in found:
        if rule.how is RuleMode.AUTO or _about_value(rule, fault):
            yield _at(rule, fault), fault.message


def _lacking(app: "App", rule: Rule) -> Findings:
    """What the first alert of a rule lacks; a follow-up takes it over from the earlier alert."""
    if rule.how is not RuleMode.PROPOSE:
        return
    try:
        kind = catalogue.load_kind(rule.kind, *app.publisher.folders)
        found = _faults(app, rule, kind, beginning=True)
    except (ConfigInvalid, Misuse):
        return  # told as a problem
    for fault in found:
        if not _about_value(rule, fault):
            yield (
                _at(rule, fault),
                _("to be filled in by hand: {message}").format(message=fault.message),
            )


def _faults(app: "App", rule: Rule, kind: Kind, *, beginning: bool = False) -> Iterator[Fault]:
    """Faults that stop the rule's alerts. Queries to the register are checked when they are made."""
    if rule.how is RuleMode.OFF or asks(kind, rule.values):
        return iter(())
    made = compose_template(app.publisher, app.watch, rule)
    samples = (one for one in made.samples if not beginning or BEGINNINGS.intersection(one.on))
    faults = (fault for one in samples for fault in one.composed.composition.faults)
    return (fault for fault in faults if fault.rule not in ABOUT_NUMBERS)


def _about_value(rule: Rule, fault: Fault) -> bool:
    return fault.field in rule.values


def _at(rule: Rule, fault: Fault) -> Path:
    value = (fault.field,) if fault.field in rule.values and fault.field else ()
    return ("rules", rule.name, "set", *value)


def _rule_lines(app: "App", found: Findings) -> list[str]:
    told = list(dict.fromkeys(found))
    return lines_in(app.path, told) if told else []


MOST_OF_AUDIT = 10  # differences that `check` lists
ABOUT_VALUES = frozenset({"unverified_number", "fictional_number", "no_channel"})


async def check_all(app: "App", *, online: bool) -> ConfigCheckView:
    """Check everything that can be checked without sending. `sound` is False if something must be fixed."""
    problems = [
        *_region_problems(),
        *_kind_problems(app.publisher),
        *_approval_problems(app),
        *trust.shared_addresses(app),
        *looking.problems(app.adapters()),
        *rule_problems(app),
        *await public_page.place_problems(app),
        *await _audit_problems(app),
    ]
    missing = _missing_secrets(app)
    answers = await _identities(app) if online else {}
    silent = [f"{name}: {answer.error}" for name, answer in answers.items() if answer.error]
    sound = not (problems or missing or silent)
    found = ConfigCheckView(
        sound=sound,
        config=str(app.path),
        channels=tuple(sorted(app.publisher.channels)),
        problems=tuple(problems),
        missing_secrets=tuple(missing),
        warnings=(
            *await region_warnings(app),
            *_setting_warnings(app),
            *languages.warnings(app.publisher),
            *_end_warnings(app.publisher),
            *await _duty_warnings(app),
            *await trust.people_warnings(app),
            *rule_warnings(app),
            *await approval_warnings(app),
        ),
        online=answers,
    )
    return replace(found, lines=tuple(_lines(found, online)))


def _kind_problems(publisher: Publisher) -> list[str]:
    """Check that every kind loads and its example composes on every type of channel, configured or not."""
    try:
        kinds = catalogue.load(*publisher.folders)
        catalogue.load_ready_words(*publisher.folders)
        check_words(*publisher.folders)
    except ConfigInvalid as error:
        return str(error).splitlines()
    unread = _unreadable(kinds)
    found = [problem for kind in kinds for problem in _example_problems(publisher, kind)]
    found += [problem for kind in kinds for problem in _template_problems(publisher, kind)]
    return [*unread, *dict.fromkeys(one for one in found if not one.endswith(unread))]


def _unreadable(kinds: catalogue.Catalogue) -> tuple[str, ...]:
    """Templates that cannot be read, one line for each file; those of an earlier version say how to move them."""
    every = [template for kind in kinds for template in kind.templates.values()]
    every += kinds.prepared.retraction.values()
    return tuple(dict.fromkeys(str(error) for one in every if (error := _broken(one)) is not None))


def _broken(template: Template) -> TemplateBrokenError | None:
    try:
        check(template)
    except TemplateBrokenError as error:
        return error
    return None


def _example_problems(publisher: Publisher, kind: Kind) -> Iterator[str]:
    """Faults of an example on the channels and in the languages for which the kind has texts."""
    told = _complete_languages(kind)
    channels = {
        name: replace(one, languages=tuple(lang for lang in one.languages if lang in told))
        for name, one in publisher.channels.items()
        if one.audience is not Audience.EXERCISE
        and (not kind.audiences or one.audience in kind.audiences)
        and told.intersection(one.languages)
    }
    names = tuple(channels)
    seen = (
        look(replace(publisher, channels=channels), DraftRequest(kind.name, channels=names))
        if names
        else None
    )
    for fault in seen.composition.faults if seen else ():
        if fault.rule not in ABOUT_VALUES:
            yield _("kind {kind}: {message}").format(kind=kind.name, message=fault.message)


def _complete_languages(kind: Kind) -> frozenset[str]:
    """The languages that both the templates and the example's texts have."""
    told = set(kind.languages)
    for spec in kind.fields:
        value = kind.example.get(spec.name)
        if spec.type is kind_spec.FieldType.TEXT and isinstance(value, Mapping):
            told &= {str(lang) for lang in value}
    return frozenset(told)


SOMEBODY = "Zyzzyx"  # a name that no text contains by itself


def _end_warnings(publisher: Publisher) -> list[str]:
    """Texts of the kind `end`, of an overlay from before, that do not say who confirmed that it is over (R11)."""
    try:
        kind = catalogue.load_kind("end", *publisher.folders)
    except (Misuse, ConfigInvalid):
        return []  # told as a problem, or not in use
    if kind.field("confirmed_by") is None:
        sentence = _(
            "kind end: its kind.yaml has no field confirmed_by, so no end says who confirmed it. Copy the field"
            " from the shipped kind."
        )
        return [sentence]
    given = {**_in_each_language(kind), "confirmed_by": dict.fromkeys(kind.languages, SOMEBODY)}
    texts = look(_everywhere(publisher, kind), DraftRequest("end", given)).composition.messages
    said = {(one.channel, one.lang) for one in texts if SOMEBODY in one.text}
    silent = sorted({one.lang for one in texts if (one.channel, one.lang) not in said})
    sentence = _(
        "kind end: the text in {lang} does not say who confirmed that it is over. Add {{{{ confirmed_by|sentence }}}}"
        " to short.md.j2 and long.md.j2 in your messages folder."
    )
    return [sentence.format(lang=lang) for lang in silent]


def _region_problems() -> list[str]:
    """Faults of the country pack; one of the team's own was checked when it was loaded."""
    try:
        region_pack.check(in_force().folder)
    except ConfigInvalid as error:
        return str(error).splitlines()
    return []


async def region_warnings(app: "App") -> list[str]:
    """That nobody has confirmed the country pack, if it needs that."""
    if packs.trusted(in_force()):
        return []
    if not app.config.database_exists():
        return [confirming.unread()]
    try:
        found = await (await app.open()).database.read(confirming.warning)
    except AlertbotError as error:
        return [_("region: its confirmation could not be read: {why}").format(why=error)]
    return [found] if found else []


def _setting_warnings(app: "App") -> list[str]:
    """Valid settings that will cause trouble: tokens that expire, secret files that others can read."""
    found = []
    for name, settings in app.config.channels.items():
        found += [f"channels.{name}.{key}: {sentence}" for key, sentence in settings.warnings()]
        found += settings.exposed_secrets()
    for section in (*(one for _path, one in app.approver_settings()), *app.config.sources.values()):
        found += section.exposed_secrets()
    desk, port = app.config.desk, app.config.serve.port
    if desk and desk.url.startswith("http://") and (urlsplit(desk.url).port or 80) != port:
        sentence = _("desk.url: {url} leads nowhere, because `alertbot serve` listens on port {port}.")
        found.append(sentence.format(url=desk.url, port=port))
    return found


async def _duty_warnings(app: "App") -> list[str]:
    """Names in `duty:` that match nobody who may approve, if there is a database that can tell."""
    if app.config.duty is None or not app.config.database_exists():
        return []
    try:
        service = await app.open()
        return await service.database.read(lambda conn: overview.unknown_names(conn, service))
    except AlertbotError as error:
        return [_("duty: the names could not be checked: {why}").format(why=error)]


async def _audit_problems(app: "App") -> list[str]:
    """Where the audit is broken or the tables are not as it says, if there is a database."""
    if not app.config.database_exists():
        return []
    try:
        found = await overview.audit_verify(await app.open(), None)
    except AlertbotError as error:
        return [_("audit: it could not be verified: {why}").format(why=error)]
    told = [f"audit: {problem}" for problem in found.problems[:MOST_OF_AUDIT]]
    left = len(found.problems) - len(told)
    more = _("audit: {n} more; see `alertbot audit verify`.").format(n=left)
    return [*told, more] if left else told


def _template_problems(publisher: Publisher, kind: Kind) -> Iterator[str]:
    """Errors in templates of channel types and languages that are not in use yet."""
    asked = DraftRequest(kind.name, _in_each_language(kind))
    for fault in look(_everywhere(publisher, kind), asked).composition.faults:
        if fault.rule == "template":
            yield _("kind {kind}: {message}").format(kind=kind.name, message=fault.message)


def _in_each_language(kind: Kind) -> RawValues:
    """The kind's example; a language in which it says nothing borrows the words of another."""
    return {
        name: {**{lang: next(iter(value.values())) for lang in kind.languages}, **value}
        if isinstance(value, Mapping)
        else value
        for name, value in kind.example.items()
    }


def _everywhere(publisher: Publisher, kind: Kind) -> Publisher:
    """The publisher with every type of channel, in every language of the kind."""
    channels = {
        name: Channel(name, spec, kind.languages, targets=(Target(f"https://{name}.example.org"),))
        for name, spec in SHIPPED.items()
    }
    return replace(publisher, channels=channels)


def _approval_problems(app: "App") -> list[str]:
    """Unknown kinds under `approvals:`."""
    problems = []
    for kind in app.publisher.overrides:
        try:
            catalogue.load_kind(kind, *app.publisher.folders)
        except (Misuse, ConfigInvalid) as error:
            problems.append(f"approvals.{kind}: {error}")
    return problems + _link_problems(app) + _source_problems(app)


def _link_problems(app: "App") -> list[str]:
    """A key for approval links that could be guessed; a missing one is reported with the secrets."""
    mail = app.mail_approvals
    if mail is None or mail.missing_secrets():
        return []
    try:
        app.link_key()
    except ConfigInvalid as error:
        return [str(error)]
    return []


def _source_problems(app: "App") -> list[str]:
    """Unknown types, invalid expressions, and secrets that could be guessed; a missing one is reported
    with the secrets."""
    problems = []
    for name, settings in app.config.sources.items():
        try:
            inlets({name: settings})
            if settings.pushes and settings.has_secret("secret") and not settings.missing_secrets():
                settings.key(name)
        except ConfigInvalid as error:
            problems.append(str(error))
    return problems


def _missing_secrets(app: "App") -> list[str]:
    with_secrets = [
        *app.config.channels.values(),
        *(one for _path, one in app.approver_settings()),
        *app.config.sources.values(),
    ]
    return [missing for settings in with_secrets for missing in settings.missing_secrets()]


async def _identities(app: "App") -> dict[str, IdentityView]:
    """The account of each channel, or why it does not answer."""
    found = {}
    for name, adapter in app.adapters().items():
        try:
            found[name] = IdentityView(identity=await adapter.identify(), error="")
        except AlertbotError as error:
            found[name] = IdentityView(identity="", error=str(error))
    for name, blind in (await looking.trials(app.adapters())).items():
        seen = "" if blind else _("the public view can be looked at")
        found[f"{name} (witness)"] = IdentityView(identity=seen, error=blind)
    for name, why in (await returning.trials(app.returns())).items():
        seen = "" if why else _("the mailbox can be read")
        found[f"{name} (returns)"] = IdentityView(identity=seen, error=why)
    return found


def _lines(report: ConfigCheckView, online: bool) -> Iterator[str]:
    for problem in report.problems:
        yield f"✗ {problem}"
    for missing in report.missing_secrets:
        yield f"✗ {missing}"
    for warning in report.warnings:
        yield f"! {warning}"
    for name, answer in report.online.items():
        said = _("{name}: {value}").format(name=name, value=answer.error or answer.identity)
        yield f"✗ {said}" if answer.error else f"✓ {said}"
    if report.sound:
        yield _("✓ {config} has no faults: {channels}.").format(
            config=report.config, channels=", ".join(report.channels)
        )
        if not online:
            yield _("To ask each channel which account it is: alertbot check --online")
