"""Every command: its name, its function, its help in one or two sentences, and an example.

Help pages are made from this list alone; a command's file is loaded when the command is called.
"""

from alertbot.cli.lazy import Listed, Listing
from alertbot.core.words import _

COMMANDS: dict[str, Listed | Listing] = {
    "preview": Listed(
        "composing:preview",
        _(
            "Show what each channel would show, in each language, and what stands in the way. With no values"
            " given it shows the kind's example."
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
        _("Write an alert. Nothing goes out before it is submitted and approved."),
        "draft status --vars facts.yaml --set next_update=+30m",
    ),
    "edit": Listed(
        "alerts:edit",
        _(
            "Change an alert that is not out yet; approvals given before become void. With --set, or without it in $EDITOR on the values."
        ),
        "edit BKRT-1 --set next_update=+45m",
    ),
    "show": Listed(
        "showing:show",
        _(
            "Show an alert as the public will see it, and where it stands. With your token, what you were shown is what `approve` approves."
        ),
        "show BKRT-1",
    ),
    "submit": Listed("alerts:submit", _("Ask for approval of a draft."), "submit BKRT-1"),
    "discard": Listed(
        "alerts:discard", _("Throw away an alert that was never approved."), "discard BKRT-1"
    ),
    "record": Listed(
        "alerts:record",
        _("Say that somebody posted an alert by hand, so that updates and corrections can follow it."),
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
            "Follow an alert up in place: an answer on X, an edit and an answer on Telegram, a mail in the"
            " same thread. What you do not give stays as it was; the next update is promised anew."
        ),
        "update BKRT-1 --set next_update=+30m --submit",
    ),
    "correct": Listed(
        "following:correct",
        _(
            "Say what was wrong and what is right, to everybody whom an alert reached, also after the"
            " incident has ended. One approver, who may be its author."
        ),
        'correct BKRT-1 --set "what_was_wrong=112 works" --set "what_is_right=112 is cut off"',
    ),
    "end": Listed(
        "following:end",
        _("Say that an incident is over; once that is published, the incident is closed."),
        "end BKRT --vars end.yaml --submit",
    ),
    "withdraw": Listed(
        "following:withdraw",
        _(
            "Take back provisional numbers in public: all that an alert gives, or those of a query. Says"
            " which stop and which stay; the register drops them with the approval."
        ),
        "withdraw --numbers 22,29,35,56 --but 22/samu",
    ),
    "retract": Listed(
        "following:retract",
        _("Send the retraction that was prepared and approved with an alert, word for word."),
        "retract BKRT-1 --now",
    ),
    "cancel": Listed(
        "following:cancel",
        _("Deny a false alert in public. Without words for the public it is refused (R21)."),
        'cancel BKRT-1 --text "fr=Il n’y a pas de panne." --text "en=Nothing has failed."',
    ),
    "incident": Listing(
        _("Incidents: what alerts belong to, from the first to the end."),
        "incident list",
        {
            "open": Listed(
                "incidents:open_",
                _("Open an incident before anything is said about it; drafts name it with --incident."),
                'incident open --title "15 and 18 out of order in Rhône"',
            ),
            "set": Listed(
                "incidents:set_",
                _(
                    "Say where an incident stands: the same road as a report of a source, and a person's word counts at"
                    " once. Resolved takes somebody of the services concerned who confirms it, and a watch period (R11)."
                ),
                'incident set BKRT resolved --confirmed-by "SAMU 35"',
            ),
            "list": Listed(
                "incidents:list_",
                _("Every incident, the latest first, with how many alerts it has."),
                "incident list",
            ),
            "show": Listed(
                "incidents:show",
                _(
                    "One incident: its alerts in order, how each follows another, and the numbers in force."
                ),
                "incident show BKRT",
            ),
        },
    ),
    "approve": Listed(
        "approving:approve",
        _(
            "Approve exactly what you were shown. Author, last editor and submitter cannot; the last approval"
            " that is needed publishes."
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
        _("Confirm afterwards what one person published alone with --break-glass."),
        "countersign BKRT-1",
    ),
    "rules": Listing(
        _("What may go out by itself: approve it ahead, stop it."),
        "rules list",
        {
            "list": Listed(
                "rules:list_",
                _(
                    "Every rule: how its alerts go out, who approved that ahead, until when, and why not."
                ),
                "rules list",
            ),
            "show": Listed(
                "rules:show",
                _(
                    "Show what a rule will publish, on every channel. With your token, what you were shown is what"
                    " `preapprove` signs."
                ),
                "rules show first_word",
            ),
            "preapprove": Listed(
                "rules:preapprove",
                _(
                    "Let alerts of a rule go out by themselves. The first approver proposes it and is shown the texts;"
                    " others sign exactly those. Any change of a word, a value, a channel or a recipient ends it."
                ),
                "rules preapprove first_word --for 30d",
            ),
            "revoke": Listed(
                "rules:revoke",
                _("Take back what was approved ahead; alerts whose countdown runs wait for people."),
                'rules revoke first_word --reason "the operator changes its network"',
            ),
            "abort": Listed(
                "rules:abort",
                _(
                    "Stop an alert that is about to go out by itself; it waits for people instead. Needs no token."
                ),
                "rules abort BKRT-1",
            ),
        },
    ),
    "serve": Listed(
        "sending:serve_",
        _(
            "Publish what is due, as `run` does, and serve the pages behind links to approve; both stop with"
            " Ctrl-C or SIGTERM. On this machine alone unless another host is named here or under `serve:`."
        ),
        "serve --port 8470",
    ),
    "signals": Listed(
        "incidents:signals",
        _(
            "What sources reported, the latest first, with the decision and its reason. --quarantine lists"
            " the bodies that nobody understood. With a number, the one in full."
        ),
        "signals --quarantine 3",
    ),
    "decisions": Listed(
        "incidents:decisions",
        _("What was decided about watched services, and why, the latest first."),
        "decisions BKRT",
    ),
    "run": Listed(
        "sending:run",
        _("Publish what is due until stopped; SIGTERM lets the calls under way end first."),
        "run --once",
    ),
    "status": Listed(
        "watching:status",
        _("What went out, what waits, what needs a person; and why anything was not sent."),
        "status --watch",
    ),
    "deliveries": Listed(
        "watching:deliveries",
        _("Every delivery with its target, state, attempts, remote id and reason."),
        "deliveries BKRT-1 --state uncertain",
    ),
    "halt": Listed(
        "halting:halt",
        _("Stop at once: everything, one channel, or one alert. Needs no token."),
        "halt --channel x_main",
    ),
    "resume": Listed(
        "halting:resume", _("Go on after a halt, or after a channel was paused."), "resume BKRT-1"
    ),
    "settle": Listed(
        "halting:settle",
        _("Say what became of a delivery that was perhaps sent."),
        "settle 17 --sent --url https://x.com/i/web/status/1",
    ),
    "numbers": Listing(
        _("The register of provisional numbers: the only place that numbers come from."),
        "numbers import numbers.csv",
        {
            "import": Listed(
                "numbers:import_",
                _(
                    "Take a CSV or YAML file into the register: every row, or none where one is wrong. The same entry"
                    " from another source gains a source; a changed one has to be verified anew."
                ),
                "numbers import numbers.csv",
            ),
            "add": Listed(
                "numbers:add",
                _("Enter one number, or a place in its stead."),
                'numbers add --set territory=69 --set service=samu --set number="04 65 71 00 15"',
            ),
            "edit": Listed(
                "numbers:edit",
                _("Change an entry. It becomes a new version, which another person has to verify."),
                "numbers edit N12 --set review_at=+24h",
            ),
            "withdraw": Listed(
                "numbers:withdraw",
                _(
                    "Take entries out of the register. This tells the public nothing: `alertbot withdraw --numbers`"
                    " does."
                ),
                'numbers withdraw 22/police,N12 --reason "17 works again"',
            ),
            "verify": Listed(
                "numbers_verifying:verify",
                _(
                    "Read a number back: type its digits again, from the source and not from the screen, and say how"
                    " the test call went. Whoever entered the row cannot. A number is verified when the right service"
                    " answered; a short number or a place, which cannot be tried out, by --call not-called with a"
                    " --note. --session TERRITORY goes through a whole territory and can be left with q and resumed."
                ),
                'numbers verify N12 --digits "04 65 71 00 15" --call answered',
            ),
            "list": Listed(
                "numbers:list_",
                _("List entries: all that are not withdrawn, or what a query or a standing asks for."),
                "numbers list 22,29/samu --standing unverified",
            ),
            "show": Listed(
                "numbers:show",
                _("Show everything about one entry: its versions, readings back, and where it stands."),
                "numbers show N12",
            ),
            "check": Listed(
                "numbers:check",
                _(
                    "Look for what deserves a look: one number for two services or territories, a beginning that"
                    " belongs elsewhere, zones that contradict each other; with --coverage, who is left without."
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
                _("Print an empty file of numbers, with its columns and one row as an example."),
                "numbers template > numbers.csv",
            ),
        },
    ),
    "people": Listing(
        _("Who may write, approve and administer."),
        "people add Camille --role author",
        {
            "add": Listed(
                "people:add",
                _(
                    "Add a person. The first two on an empty database become admins; from the second on an admin's"
                    " token is needed, and from the third on a new approver or admin counts once another admin has"
                    " confirmed. The token stands alone on the last line and is shown once."
                ),
                "people add Dominique --role approver",
            ),
            "list": Listed("people:list_", _("List people."), "people list"),
            "confirm": Listed(
                "people:confirm",
                _("Confirm an approver or admin that another admin added."),
                "people confirm Dominique",
            ),
            "revoke": Listed(
                "people:revoke", _("Take away a person's token for good."), "people revoke Dominique"
            ),
            "rotate": Listed(
                "people:rotate",
                _("Give a person a new token; the old one stops at once."),
                "people rotate Dominique",
            ),
            "link": Listed(
                "people:link",
                _(
                    "Print a one-time code that links your Telegram account: send it to the team's bot as /link CODE"
                    " in a private chat within 15 minutes. Only the person can do it, with their own token."
                ),
                "people link Dominique",
            ),
            "unlink": Listed(
                "people:unlink",
                _("Forget a person's Telegram account and open codes."),
                "people unlink Dominique",
            ),
            "mail": Listed(
                "people:mail",
                _("Say where links to approve are mailed to; --remove takes the address away."),
                "people mail Dominique dominique@example.org",
            ),
        },
    ),
    "task": Listing(
        _("What waits for a person: numbers about to end, updates promised and late."),
        "task list",
        {
            "list": Listed(
                "people:list_tasks", _("List open tasks, the most pressing first."), "task list --all"
            ),
            "done": Listed(
                "people:done",
                _("Say that a task is done."),
                'task done 3 --outcome "Told the SAMU of Lyon by telephone"',
            ),
        },
    ),
    "audit": Listing(
        _("Who did what, when: a chain of rows that shows any change."),
        "audit verify",
        {
            "verify": Listed(
                "watching:verify",
                _(
                    "Check every row of the chain; with --head also that it was not cut or rebuilt since that head was noted."
                ),
                "audit verify --head 41f2…",
            ),
            "head": Listed(
                "watching:head",
                _("Print the count of rows and the digest of the last one; note them elsewhere."),
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
        _("Write a commented configuration, by asking or with --defaults."),
        "init --defaults",
    ),
    "check": Listed(
        "setting_up:check",
        _("Check the configuration, every kind and template; list missing secrets."),
        "check --online",
    ),
    "config": Listing(
        _("The configuration itself."),
        "config schema",
        {
            "schema": Listed(
                "setting_up:schema",
                _("Print the JSON Schema of the configuration, so that editors complete and check it."),
                "config schema > config.schema.json",
            ),
        },
    ),
    "db": Listing(
        _("The database itself."),
        "db upgrade --dry-run",
        {
            "upgrade": Listed(
                "setting_up:upgrade",
                _("Create or migrate the database; with --dry-run only show what would be done."),
                "db upgrade --dry-run",
            ),
        },
    ),
    "sandbox": Listed(
        "rehearsing:sandbox",
        _(
            "Serve an X API, a Telegram Bot API and a mail server on this machine, and a wall that shows what"
            " the public would see. State is in memory; Ctrl-C ends it."
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
            "Play a case of the past against the rules, on the clock of the case: what would have been"
            " published, when and why, beside what happened. Nothing leaves this process, and no configuration"
            " is needed. The format of a case is in docs/reference/case-format.md."
        ),
        "replay cases/2021-06-02 --approver-delay 5m",
    ),
}
