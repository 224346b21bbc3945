"""Every command: its name, its function, its help in one or two sentences, and an example.

Help pages are made from this list alone; a command's file is loaded when the command is called.
Commands whose first word is a noun (`numbers add`) are listed in `command_groups`.
"""

from alertbot.cli import command_groups
from alertbot.cli.parsing import ANYWHERE, ListedCommand, Listing, Section
from alertbot.core.words import _

COMMANDS: dict[str, ListedCommand | Listing] = {
    "preview": ListedCommand(
        "writing.composing:preview",
        _(
            "Show what each channel will show in each language, and what blocks it. Without values,"
            " uses the kind's example."
        ),
        "preview status --vars facts.yaml --html preview.html",
        server="remote.commands:preview",
    ),
    "kinds": ListedCommand(
        "writing.composing:kinds",
        _("List the kinds of alert, or one kind's fields."),
        "kinds status --example > facts.yaml",
        server="remote.commands:kinds",
    ),
    "draft": ListedCommand(
        "writing.drafting:draft",
        _(
            "Write an alert. Nothing goes out until it is submitted and approved. At a terminal, without"
            " values, it asks for them as `new` does."
        ),
        "draft status --vars facts.yaml --set next_update=+30m",
        server="remote.commands:draft",
    ),
    "new": ListedCommand(
        "writing.drafting:new",
        _(
            "Write an alert at a terminal, question by question, with a live check of every value; then"
            " see it and submit it."
        ),
        "new holding",
    ),
    "edit": ListedCommand(
        "alerts:edit",
        _(
            "Change an alert that has not gone out; earlier approvals no longer count. Use --set, or"
            " edit the values in $EDITOR."
        ),
        "edit BKRT-1 --set next_update=+45m",
        server="remote.commands:edit",
    ),
    "show": ListedCommand(
        "alerts:show",
        _(
            "Show an alert as the public will see it, and its state. With your token, `approve` then"
            " approves exactly what you saw."
        ),
        "show BKRT-1",
        server="remote.commands:show",
    ),
    "submit": ListedCommand(
        "alerts:submit",
        _("Submit a draft for approval."),
        "submit BKRT-1",
        server="remote.commands:submit",
    ),
    "discard": ListedCommand(
        "alerts:discard",
        _("Discard an alert that was never approved."),
        "discard BKRT-1",
        server="remote.commands:discard",
    ),
    "record": ListedCommand(
        "alerts:record",
        _(
            "Record an alert that someone posted by hand, so that updates and corrections can follow it."
        ),
        "record BKRT-1 --channel x_main --url https://x.com/alertes_exemple/status/1400000000000000001",
    ),
    "test-send": ListedCommand(
        "alerts:test_send",
        _("Send an alert to the team only, marked as a test, to see it on a real device."),
        "test-send BKRT-1 --to team",
    ),
    "update": ListedCommand(
        "following:update",
        _(
            "Update an alert where it was published: a reply on X, an edit and a reply on Telegram, a"
            " mail in the same thread. Values you do not give stay the same; the next update time is"
            " set again."
        ),
        "update BKRT-1 --set next_update=+30m --submit",
        server="remote.commands:update",
    ),
    "correct": ListedCommand(
        "following:correct",
        _(
            "Tell everyone an alert reached what was wrong and what is right, even after the incident"
            " has ended. Needs one approver, who may be its author."
        ),
        'correct BKRT-1 --set "what_was_wrong=112 works" --set "what_is_right=112 is cut off"',
        server="remote.commands:correct",
    ),
    "end": ListedCommand(
        "following:end",
        _("Announce that an incident is over. Once published, the incident is closed."),
        "end BKRT --vars end.yaml --submit",
        server="remote.commands:end",
    ),
    "withdraw": ListedCommand(
        "following:withdraw",
        _(
            "Withdraw provisional numbers in public: all of an alert's, or those in a query. The alert"
            " says which stop and which stay; the register drops them on approval."
        ),
        "withdraw --numbers 22,29,35,56 --but 22/samu",
        server="remote.commands:withdraw",
    ),
    "retract": ListedCommand(
        "following:retract",
        _("Send an alert's retraction, prepared and approved with it, word for word."),
        "retract BKRT-1 --now",
        server="remote.commands:retract",
    ),
    "cancel": ListedCommand(
        "following:cancel",
        _("Deny a false alert in public. A text for the public is required."),
        'cancel BKRT-1 --text "fr=Il n’y a pas de panne." --text "en=Nothing has failed."',
        server="remote.commands:cancel",
    ),
    "incident": command_groups.INCIDENT,
    "approve": ListedCommand(
        "approving:approve",
        _(
            "Approve exactly what you were shown. The author, the last editor and the submitter"
            " cannot; the last approval needed publishes."
        ),
        "approve BKRT-1 --digest 3f9c0a12b7d4",
        server="remote.commands:approve",
    ),
    "return": ListedCommand(
        "approving:return_",
        _("Send an alert back to its author with a reason."),
        'return BKRT-1 --reason "name the départements"',
        server="remote.commands:return_",
    ),
    "reject": ListedCommand(
        "approving:reject",
        _("Refuse an alert for good, with a reason."),
        'reject BKRT-1 --reason "not our network"',
        server="remote.commands:reject",
    ),
    "countersign": ListedCommand(
        "approving:countersign",
        _("Countersign what one person published alone with --break-glass."),
        "countersign BKRT-1",
        server="remote.commands:countersign",
    ),
    "rules": command_groups.RULES,
    "serve": ListedCommand(
        "operating:serve_",
        _(
            "Publish due messages, as `run` does, and serve the approval pages. Stop with Ctrl-C or"
            " SIGTERM. Listens on this machine only, unless another host is given here or under"
            " `serve:`."
        ),
        "serve --port 8470",
    ),
    "signals": ListedCommand(
        "incidents:signals",
        _(
            "List what sources reported, latest first, with each decision and its reason. --quarantine"
            " lists what could not be read. With a number: that report in full."
        ),
        "signals --quarantine 3",
    ),
    "decisions": ListedCommand(
        "incidents:decisions",
        _("List what was decided about watched services, and why, latest first."),
        "decisions BKRT",
    ),
    "run": ListedCommand(
        "operating:run",
        _("Publish due messages until stopped. On SIGTERM, calls in progress finish first."),
        "run --once",
    ),
    "worker": ListedCommand(
        "operating:worker",
        _(
            "Only send what is due, beside `alertbot serve`: on as many machines as wanted, on one PostgreSQL"
            " database."
        ),
        "worker",
    ),
    "status": ListedCommand(
        "watching:status",
        _("Show what went out, what is waiting, what needs someone, and why anything was not sent."),
        "status --watch",
        server="remote.watching_commands:status",
    ),
    "deliveries": ListedCommand(
        "watching:deliveries",
        _("List deliveries with target, state, attempts, remote id and reason."),
        "deliveries BKRT-1 --state uncertain",
        server="remote.watching_commands:deliveries",
    ),
    "halt": ListedCommand(
        "halting:halt",
        _("Stop at once: everything, one channel, or one alert. Needs no token."),
        "halt --channel x_main",
        server="remote.watching_commands:halt",
    ),
    "resume": ListedCommand(
        "halting:resume",
        _("Resume after a halt, or after a channel was paused."),
        "resume BKRT-1",
        server="remote.watching_commands:resume",
    ),
    "settle": ListedCommand(
        "halting:settle",
        _("Record what happened to a delivery that may have been sent."),
        "settle 17 --sent --url https://x.com/alertes_exemple/status/1400000000000000001",
        server="remote.watching_commands:settle",
    ),
    "numbers": command_groups.NUMBERS,
    "people": command_groups.PEOPLE,
    "recipients": command_groups.RECIPIENTS,
    "task": command_groups.TASK,
    "page": command_groups.PAGE,
    "audit": command_groups.AUDIT,
    "now": ListedCommand(
        "now_page:now_",
        _(
            "Show what somebody has to know first: what waits for you, what is uncertain, overdue or halted, the open"
            " incidents. `alertbot` alone at a terminal shows the same."
        ),
        "now",
        server="remote.watching_commands:now_",
    ),
    "login": ListedCommand(
        "account:login",
        _(
            "Keep your token on this account of this machine, so that commands know who you are. --token-file and"
            " ALERTBOT_TOKEN come before it."
        ),
        "login",
        server=ANYWHERE,
    ),
    "logout": ListedCommand(
        "account:logout",
        _("Delete the token that `login` kept on this account."),
        "logout",
        server=ANYWHERE,
    ),
    "whoami": ListedCommand(
        "account:whoami",
        _("Say who you are here, with which roles, and where your token is from."),
        "whoami",
        server=ANYWHERE,
    ),
    "mcp": ListedCommand(
        "assisting.assistant:mcp",
        _(
            "Let a writing assistant look, preview and draft for you (Model Context Protocol, on stdin and stdout)."
            " It cannot submit, approve or send; what it drafts is marked for those who approve."
        ),
        "mcp --token-file camille.token",
        server=ANYWHERE,
    ),
    "completion": ListedCommand(
        "completing:completion",
        _(
            "Print what makes your shell complete commands, options, alerts, incidents, deliveries and entries of the"
            " register with Tab."
        ),
        "completion bash > ~/.local/share/bash-completion/completions/alertbot",
        server=ANYWHERE,
    ),
    "init": ListedCommand(
        "operating:init",
        _("Write a commented configuration, with questions or with --defaults."),
        "init --defaults",
        server=ANYWHERE,
    ),
    "check": ListedCommand(
        "operating:check",
        _("Check the configuration and every kind and template; list missing secrets."),
        "check --online",
    ),
    "regions": command_groups.REGIONS,
    "config": command_groups.CONFIG,
    "db": command_groups.DB,
    "archive": ListedCommand(
        "backups:archive_",
        _(
            "Move the old, finished deliveries of incidents that are over to files, which `audit verify --archive`"
            " checks; --dry-run only shows what would move."
        ),
        "archive --before 2026-01-01 --to /archive",
    ),
    "sandbox": ListedCommand(
        "rehearsing:sandbox",
        _(
            "Serve an X API, a Telegram Bot API and a mail server on this machine, and a wall that"
            " shows what the public would see. All state is in memory; stop with Ctrl-C."
        ),
        "sandbox --fault telegram:flood:retry_after=3",
        server=ANYWHERE,
    ),
    "demo": ListedCommand(
        "rehearsing:demo",
        _(
            "Replay the evening of 2 June 2021 as it could have been told, on loopback, in under a minute."
        ),
        "demo",
        server=ANYWHERE,
    ),
    "replay": ListedCommand(
        "rehearsing:replay",
        _(
            "Replay a past case against the rules, on the case's own clock: what would have been"
            " published, when and why, beside what really happened. Nothing leaves this process, and"
            " no configuration is needed. Case format: docs/reference/case-format.md."
        ),
        "replay cases/2021-06-02 --approver-delay 5m",
        server=ANYWHERE,
    ),
}

SECTIONS: tuple[Section, ...] = (
    Section(
        _("Write"),
        (*("new", "draft", "edit", "preview", "kinds"), *("show", "submit", "discard", "test-send")),
    ),
    Section(_("Approve"), ("approve", "return", "reject", "countersign", "rules")),
    Section(
        _("Follow and take back"),
        (
            *("now", "status", "deliveries", "incident", "task", "numbers"),
            *("update", "correct", "withdraw", "retract", "cancel", "end"),
            *("record", "settle", "signals", "decisions", "page", "audit", "recipients"),
        ),
    ),
    Section(_("Stop"), ("halt", "resume")),
    Section(_("Run"), ("run", "serve", "worker", "check")),
    Section(
        _("Set up"),
        (
            *("login", "logout", "whoami", "completion", "mcp"),
            *("init", "people", "regions", "config", "db", "archive"),
            *("demo", "sandbox", "replay"),
        ),
    ),
)
"""Every command, in the order in which the help shows them."""

FIRST_STEPS: tuple[tuple[str, str], ...] = (
    ("", _("What waits, what is uncertain or overdue, and the open incidents.")),
    ("new holding", _("Tell the public that calls fail, question by question.")),
    (
        f"show {_('ALERT')}",
        _("Read what waits for you, exactly as the public will; then: alertbot approve ALERT."),
    ),
    ("halt", _("Stop everything at once. Needs no token.")),
)
"""What somebody does who was woken."""
