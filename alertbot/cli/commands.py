"""Every command: its name, its function, its help in one or two sentences, and an example.

Help pages are made from this list alone; a command's file is loaded when the command is called.
"""

from alertbot.cli.lazy import Listed, Listing
from alertbot.core.words import _

COMMANDS: dict[str, Listed | Listing] = {
    "preview": Listed(
        "composing:preview",
        _(
            "Show what each channel will show in each language, and what blocks it. Without values,"
            " uses the kind's example."
        ),
        "preview status --vars facts.yaml --html preview.html",
    ),
    "kinds": Listed(
        "composing:kinds",
        _("List the kinds of alert, or one kind's fields."),
        "kinds status --example > facts.yaml",
    ),
    "draft": Listed(
        "alerts:draft",
        _("Write an alert. Nothing goes out until it is submitted and approved."),
        "draft status --vars facts.yaml --set next_update=+30m",
    ),
    "edit": Listed(
        "alerts:edit",
        _(
            "Change an alert that has not gone out; earlier approvals no longer count. Use --set, or"
            " edit the values in $EDITOR."
        ),
        "edit BKRT-1 --set next_update=+45m",
    ),
    "show": Listed(
        "showing:show",
        _(
            "Show an alert as the public will see it, and its state. With your token, `approve` then"
            " approves exactly what you saw."
        ),
        "show BKRT-1",
    ),
    "submit": Listed("alerts:submit", _("Submit a draft for approval."), "submit BKRT-1"),
    "discard": Listed(
        "alerts:discard", _("Discard an alert that was never approved."), "discard BKRT-1"
    ),
    "record": Listed(
        "alerts:record",
        _(
            "Record an alert that someone posted by hand, so that updates and corrections can follow it."
        ),
        "record BKRT-1 --channel x_main --url https://x.com/i/web/status/1",
    ),
    "test-send": Listed(
        "alerts:test_send",
        _("Send an alert to the team only, marked as a test, to see it on a real device."),
        "test-send BKRT-1 --to team",
    ),
    "update": Listed(
        "following:update",
        _(
            "Update an alert where it was published: a reply on X, an edit and a reply on Telegram, a"
            " mail in the same thread. Values you do not give stay the same; the next update time is"
            " set again."
        ),
        "update BKRT-1 --set next_update=+30m --submit",
    ),
    "correct": Listed(
        "following:correct",
        _(
            "Tell everyone an alert reached what was wrong and what is right, even after the incident"
            " has ended. Needs one approver, who may be its author."
        ),
        'correct BKRT-1 --set "what_was_wrong=112 works" --set "what_is_right=112 is cut off"',
    ),
    "end": Listed(
        "following:end",
        _("Announce that an incident is over. Once published, the incident is closed."),
        "end BKRT --vars end.yaml --submit",
    ),
    "withdraw": Listed(
        "following:withdraw",
        _(
            "Withdraw provisional numbers in public: all of an alert's, or those in a query. The alert"
            " says which stop and which stay; the register drops them on approval."
        ),
        "withdraw --numbers 22,29,35,56 --but 22/samu",
    ),
    "retract": Listed(
        "following:retract",
        _("Send an alert's retraction, prepared and approved with it, word for word."),
        "retract BKRT-1 --now",
    ),
    "cancel": Listed(
        "following:cancel",
        _("Deny a false alert in public. A text for the public is required."),
        'cancel BKRT-1 --text "fr=Il n’y a pas de panne." --text "en=Nothing has failed."',
    ),
    "incident": Listing(
        _("Incidents: the alerts of one event, from first to last."),
        "incident list",
        {
            "open": Listed(
                "incidents:open_",
                _("Open an incident before anything is published; name it in drafts with --incident."),
                'incident open --title "15 and 18 out of order in Rhône"',
            ),
            "set": Listed(
                "incidents:set_",
                _(
                    "Set the state of an incident. It is handled like a source's report, but counts at"
                    " once. To set resolved, someone from the services concerned must confirm, and a"
                    " watch period must pass."
                ),
                'incident set BKRT resolved --confirmed-by "SAMU 35"',
            ),
            "list": Listed(
                "incidents:list_",
                _("List incidents, latest first, with their number of alerts."),
                "incident list",
            ),
            "show": Listed(
                "incidents:show",
                _(
                    "Show one incident: its alerts in order, what each follows, and the numbers in force."
                ),
                "incident show BKRT",
            ),
        },
    ),
    "approve": Listed(
        "approving:approve",
        _(
            "Approve exactly what you were shown. The author, the last editor and the submitter"
            " cannot; the last approval needed publishes."
        ),
        "approve BKRT-1 --digest 3f9c0a12b7d4",
    ),
    "return": Listed(
        "approving:return_",
        _("Send an alert back to its author with a reason."),
        'return BKRT-1 --reason "name the départements"',
    ),
    "reject": Listed(
        "approving:reject",
        _("Refuse an alert for good, with a reason."),
        'reject BKRT-1 --reason "not our network"',
    ),
    "countersign": Listed(
        "approving:countersign",
        _("Countersign what one person published alone with --break-glass."),
        "countersign BKRT-1",
    ),
    "rules": Listing(
        _("Rules that publish alerts by themselves: approve them in advance, stop them."),
        "rules list",
        {
            "list": Listed(
                "rules:list_",
                _(
                    "List rules: how their alerts go out, who preapproved them, until when, and what blocks them."
                ),
                "rules list",
            ),
            "show": Listed(
                "rules:show",
                _(
                    "Show what a rule will publish on every channel. With your token, `preapprove`"
                    " then signs exactly what you saw."
                ),
                "rules show first_word",
            ),
            "preapprove": Listed(
                "rules:preapprove",
                _(
                    "Let a rule's alerts go out by themselves. The first approver proposes it and sees"
                    " the texts; the others sign exactly those texts. Any change of a word, value,"
                    " channel or recipient ends it."
                ),
                "rules preapprove first_word --for 30d",
            ),
            "revoke": Listed(
                "rules:revoke",
                _("Revoke a preapproval; alerts already counting down wait for approval."),
                'rules revoke first_word --reason "the operator changes its network"',
            ),
            "abort": Listed(
                "rules:abort",
                _(
                    "Stop an alert that is about to go out by itself; it then waits for approval. Needs no token."
                ),
                "rules abort BKRT-1",
            ),
        },
    ),
    "serve": Listed(
        "sending:serve_",
        _(
            "Publish due messages, as `run` does, and serve the approval pages. Stop with Ctrl-C or"
            " SIGTERM. Listens on this machine only, unless another host is given here or under"
            " `serve:`."
        ),
        "serve --port 8470",
    ),
    "signals": Listed(
        "incidents:signals",
        _(
            "List what sources reported, latest first, with each decision and its reason. --quarantine"
            " lists what could not be read. With a number: that report in full."
        ),
        "signals --quarantine 3",
    ),
    "decisions": Listed(
        "incidents:decisions",
        _("List what was decided about watched services, and why, latest first."),
        "decisions BKRT",
    ),
    "run": Listed(
        "sending:run",
        _("Publish due messages until stopped. On SIGTERM, calls in progress finish first."),
        "run --once",
    ),
    "status": Listed(
        "watching:status",
        _("Show what went out, what is waiting, what needs someone, and why anything was not sent."),
        "status --watch",
    ),
    "deliveries": Listed(
        "watching:deliveries",
        _("List deliveries with target, state, attempts, remote id and reason."),
        "deliveries BKRT-1 --state uncertain",
    ),
    "halt": Listed(
        "halting:halt",
        _("Stop at once: everything, one channel, or one alert. Needs no token."),
        "halt --channel x_main",
    ),
    "resume": Listed(
        "halting:resume", _("Resume after a halt, or after a channel was paused."), "resume BKRT-1"
    ),
    "settle": Listed(
        "halting:settle",
        _("Record what happened to a delivery that may have been sent."),
        "settle 17 --sent --url https://x.com/i/web/status/1",
    ),
    "numbers": Listing(
        _("The register of provisional numbers: the only source of numbers in alerts."),
        "numbers import numbers.csv",
        {
            "import": Listed(
                "numbers:import_",
                _(
                    "Import a CSV or YAML file into the register: every row, or none if one is wrong."
                    " An entry already there gains a source; a changed entry must be verified again."
                ),
                "numbers import numbers.csv",
            ),
            "add": Listed(
                "numbers:add",
                _("Add one number, or a place that replaces it."),
                'numbers add --set territory=69 --set service=samu --set number="04 65 71 00 15"',
            ),
            "edit": Listed(
                "numbers:edit",
                _("Change an entry. This makes a new version, which someone else must verify."),
                "numbers edit N12 --set review_at=+24h",
            ),
            "withdraw": Listed(
                "numbers:withdraw",
                _(
                    "Remove entries from the register. This tells the public nothing: use `alertbot"
                    " withdraw --numbers` for that."
                ),
                'numbers withdraw 22/police,N12 --reason "17 works again"',
            ),
            "verify": Listed(
                "numbers_verifying:verify",
                _(
                    "Read a number back: type its digits again, from the source and not from the"
                    " screen, and record the test call. The person who entered the row cannot do this."
                    " A number is verified when the right service answered. A short number or a place"
                    " cannot be tested: use --call not-called with a --note. --session TERRITORY works"
                    " through a whole territory; leave it with q and resume later."
                ),
                'numbers verify N12 --digits "04 65 71 00 15" --call answered',
            ),
            "list": Listed(
                "numbers:list_",
                _("List entries: all that are not withdrawn, or those of a query or standing."),
                "numbers list 22,29/samu --standing unverified",
            ),
            "show": Listed(
                "numbers:show",
                _("Show one entry: its versions, who verified them, and where it was published."),
                "numbers show N12",
            ),
            "check": Listed(
                "numbers:check",
                _(
                    "Look for doubtful entries: one number for two services or territories, a prefix"
                    " from elsewhere, zones that contradict each other; with --coverage, services left"
                    " without a number."
                ),
                "numbers check --coverage 22,29",
            ),
            "export": Listed(
                "numbers:export_",
                _("Print the register as a file that can be imported again."),
                "numbers export --format csv > numbers.csv",
            ),
            "template": Listed(
                "numbers:template_",
                _("Print an empty numbers file with its columns and one example row."),
                "numbers template > numbers.csv",
            ),
        },
    ),
    "people": Listing(
        _("People who may write, approve and administer."),
        "people add Camille --role author",
        {
            "add": Listed(
                "people:add",
                _(
                    "Add a person. On an empty database the first two become admins. From the second"
                    " on, an admin's token is needed; from the third on, a new approver or admin"
                    " counts only once another admin has confirmed. The token is printed alone on the"
                    " last line, once only."
                ),
                "people add Dominique --role approver",
            ),
            "list": Listed("people:list_", _("List people."), "people list"),
            "confirm": Listed(
                "people:confirm",
                _("Confirm an approver or admin added by another admin."),
                "people confirm Dominique",
            ),
            "revoke": Listed(
                "people:revoke", _("Revoke a person's token for good."), "people revoke Dominique"
            ),
            "rotate": Listed(
                "people:rotate",
                _("Give a person a new token; the old one stops working at once."),
                "people rotate Dominique",
            ),
            "link": Listed(
                "people:link",
                _(
                    "Print a one-time code that links your Telegram account: within 15 minutes, send"
                    " it to the team's bot as /link CODE in a private chat. You need your own token."
                ),
                "people link Dominique",
            ),
            "unlink": Listed(
                "people:unlink",
                _("Unlink a person's Telegram account and cancel open codes."),
                "people unlink Dominique",
            ),
            "mail": Listed(
                "people:mail",
                _("Set the address for a person's approval links; --remove deletes it."),
                "people mail Dominique dominique@example.org",
            ),
        },
    ),
    "task": Listing(
        _("Tasks that need someone: numbers about to expire, promised updates that are due or late."),
        "task list",
        {
            "list": Listed(
                "people:list_tasks", _("List open tasks, most urgent first."), "task list --all"
            ),
            "done": Listed(
                "people:done",
                _("Mark a task as done."),
                'task done 3 --outcome "Told the SAMU of Lyon by telephone"',
            ),
        },
    ),
    "audit": Listing(
        _("The audit: who did what and when, in a chain of rows that reveals any change."),
        "audit verify",
        {
            "verify": Listed(
                "watching:verify",
                _(
                    "Check every row of the chain; with --head, also that it was not cut or rebuilt"
                    " since that head was noted."
                ),
                "audit verify --head 41f2…",
            ),
            "head": Listed(
                "watching:head",
                _("Print the number of rows and the digest of the last one; keep them elsewhere."),
                "audit head",
            ),
            "export": Listed(
                "watching:export",
                _("Print the whole audit, for an inquiry."),
                "audit export --json > audit.json",
            ),
        },
    ),
    "init": Listed(
        "setting_up:init",
        _("Write a commented configuration, with questions or with --defaults."),
        "init --defaults",
    ),
    "check": Listed(
        "setting_up:check",
        _("Check the configuration and every kind and template; list missing secrets."),
        "check --online",
    ),
    "config": Listing(
        _("The configuration."),
        "config schema",
        {
            "schema": Listed(
                "setting_up:schema",
                _(
                    "Print the JSON Schema of the configuration, for editors that complete and check it."
                ),
                "config schema > config.schema.json",
            ),
        },
    ),
    "db": Listing(
        _("The database."),
        "db upgrade --dry-run",
        {
            "upgrade": Listed(
                "setting_up:upgrade",
                _("Create or migrate the database; with --dry-run, only show what would change."),
                "db upgrade --dry-run",
            ),
        },
    ),
    "sandbox": Listed(
        "rehearsing:sandbox",
        _(
            "Serve an X API, a Telegram Bot API and a mail server on this machine, and a wall that"
            " shows what the public would see. All state is in memory; stop with Ctrl-C."
        ),
        "sandbox --fault telegram:flood:retry_after=3",
    ),
    "demo": Listed(
        "rehearsing:demo",
        _(
            "Replay the evening of 2 June 2021 as it could have been told, on loopback, in under a minute."
        ),
        "demo",
    ),
    "replay": Listed(
        "rehearsing:replay",
        _(
            "Replay a past case against the rules, on the case's own clock: what would have been"
            " published, when and why, beside what really happened. Nothing leaves this process, and"
            " no configuration is needed. Case format: docs/reference/case-format.md."
        ),
        "replay cases/2021-06-02 --approver-delay 5m",
    ),
}
