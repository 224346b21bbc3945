"""The commands whose first word is a noun (`numbers add`): a list as in `commands`, one for each noun."""

from alertbot.cli.parsing import ANYWHERE, ListedCommand, Listing
from alertbot.core.words import _

INCIDENT = Listing(
    _("Incidents: the alerts of one event, from first to last."),
    "incident list",
    {
        "open": ListedCommand(
            "incidents:open_",
            _("Open an incident before anything is published; name it in drafts with --incident."),
            'incident open --title "15 and 18 out of order in Rhône"',
            server="remote.watching_commands:incident_open",
        ),
        "set": ListedCommand(
            "incidents:set_",
            _(
                "Set the state of an incident. It is handled like a source's report, but counts at"
                " once. To set resolved, someone from the services concerned must confirm, and a"
                " watch period must pass."
            ),
            'incident set BKRT resolved --confirmed-by "SAMU 35"',
            server="remote.watching_commands:incident_set",
        ),
        "list": ListedCommand(
            "incidents:list_",
            _("List incidents, latest first, with their number of alerts."),
            "incident list",
            server="remote.watching_commands:incident_list",
        ),
        "show": ListedCommand(
            "incidents:show",
            _("Show one incident: its alerts in order, what each follows, and the numbers in force."),
            "incident show BKRT",
            server="remote.watching_commands:incident_show",
        ),
        "timeline": ListedCommand(
            "incidents:timeline_",
            _(
                "Show everything that happened in an incident, in order: reports, decisions, alerts, deliveries,"
                " promises."
            ),
            "incident timeline BKRT",
            server="remote.watching_commands:incident_timeline",
        ),
    },
)

RULES = Listing(
    _("Rules that publish alerts by themselves: approve them in advance, stop them."),
    "rules list",
    {
        "list": ListedCommand(
            "rules:list_",
            _(
                "List rules: how their alerts go out, who preapproved them, until when, and what blocks them."
            ),
            "rules list",
        ),
        "show": ListedCommand(
            "rules:show",
            _(
                "Show what a rule will publish on every channel. With your token, `preapprove`"
                " then signs exactly what you saw."
            ),
            "rules show first_word",
        ),
        "preapprove": ListedCommand(
            "rules:preapprove",
            _(
                "Let a rule's alerts go out by themselves. The first approver proposes it and sees"
                " the texts; the others sign exactly those texts. Any change of a word, value,"
                " channel or recipient ends it."
            ),
            "rules preapprove first_word --for 30d",
        ),
        "revoke": ListedCommand(
            "rules:revoke",
            _("Revoke a preapproval; alerts already counting down wait for approval."),
            'rules revoke first_word --reason "the operator changes its network"',
        ),
        "abort": ListedCommand(
            "rules:abort",
            _(
                "Stop an alert that is about to go out by itself; it then waits for approval. Needs no token."
            ),
            "rules abort BKRT-1",
        ),
    },
)

NUMBERS = Listing(
    _("The register of provisional numbers: the only source of numbers in alerts."),
    "numbers import numbers.csv",
    {
        "import": ListedCommand(
            "numbers:import_",
            _(
                "Import a CSV or YAML file into the register: every row, or none if one is wrong."
                " An entry already there gains a source; a changed entry must be verified again."
            ),
            "numbers import numbers.csv",
        ),
        "add": ListedCommand(
            "numbers:add",
            _("Add one number, or a place that replaces it."),
            'numbers add --set territory=69 --set service=samu --set number="04 65 71 00 15"',
        ),
        "edit": ListedCommand(
            "numbers:edit",
            _("Change an entry. This makes a new version, which someone else must verify."),
            "numbers edit N12 --set review_at=+24h",
        ),
        "withdraw": ListedCommand(
            "numbers:withdraw",
            _(
                "Remove entries from the register. This tells the public nothing: use `alertbot"
                " withdraw --numbers` for that."
            ),
            'numbers withdraw 22/police,N12 --reason "17 works again"',
        ),
        "verify": ListedCommand(
            "numbers_verifying:verify",
            _(
                "Read a number back: type its digits again, from the source and not from the"
                " screen, and record the test call. The person who entered the row cannot do this."
                " A number is verified when the right service answered. A short number or a place"
                " cannot be tested: use --call not-called with a --note. --session TERRITORY works"
                " through a whole territory; leave it with q and resume later."
            ),
            'numbers verify N12 --digits "04 65 71 00 15" --call answered',
            server="remote.watching_commands:verify",
        ),
        "list": ListedCommand(
            "numbers:list_",
            _("List entries: all that are not withdrawn, or those of a query or standing."),
            "numbers list 22,29/samu --standing unverified",
            server="remote.watching_commands:numbers_list",
        ),
        "show": ListedCommand(
            "numbers:show",
            _("Show one entry: its versions, who verified them, and where it was published."),
            "numbers show N12",
            server="remote.watching_commands:numbers_show",
        ),
        "check": ListedCommand(
            "numbers:check",
            _(
                "Look for doubtful entries: one number for two services or territories, a prefix"
                " from elsewhere, zones that contradict each other; with --coverage, services left"
                " without a number."
            ),
            "numbers check --coverage 22,29",
        ),
        "export": ListedCommand(
            "numbers:export_",
            _("Print the register as a file that can be imported again."),
            "numbers export --format csv > numbers.csv",
        ),
        "template": ListedCommand(
            "numbers:template_",
            _("Print an empty numbers file with its columns and one example row."),
            "numbers template > numbers.csv",
            server=ANYWHERE,
        ),
    },
)

PEOPLE = Listing(
    _("People who may write, approve and administer."),
    "people add Camille --role author",
    {
        "add": ListedCommand(
            "people:add",
            _(
                "Add a person. On an empty database the first two become admins. From the second"
                " on, an admin's token is needed; from the third on, a new approver or admin"
                " counts only once another admin has confirmed. The token is printed alone on the"
                " last line, once only."
            ),
            "people add Dominique --role approver",
        ),
        "list": ListedCommand("people:list_", _("List people."), "people list"),
        "confirm": ListedCommand(
            "people:confirm",
            _("Confirm an approver or admin added by another admin."),
            "people confirm Dominique",
        ),
        "roles": ListedCommand(
            "people:roles",
            _(
                "Give a person exactly these roles. Those that go, go at once; further ones count once another"
                " admin has confirmed."
            ),
            "people roles Dominique --role author --role approver",
        ),
        "sessions": ListedCommand(
            "people:list_sessions",
            _(
                "List where a person is signed in at the desk; --end N or --end-all signs them out. You need your"
                " own token, and an admin's for somebody else."
            ),
            "people sessions Dominique --end-all",
        ),
        "revoke": ListedCommand(
            "people:revoke", _("Revoke a person's token for good."), "people revoke Dominique"
        ),
        "rotate": ListedCommand(
            "people:rotate",
            _("Give a person a new token; the old one stops working at once."),
            "people rotate Dominique",
        ),
        "invite": ListedCommand(
            "people:invite",
            _(
                "Print a link with which a person signs in at the desk once, within 24 hours; there they set up"
                " their own way in. You need your own token, and an admin's for somebody else."
            ),
            "people invite Dominique",
        ),
        "link": ListedCommand(
            "people:link",
            _(
                "Print a one-time code that links your Telegram account: within 15 minutes, send"
                " it to the team's bot as /link CODE in a private chat. You need your own token."
            ),
            "people link Dominique",
        ),
        "unlink": ListedCommand(
            "people:unlink",
            _("Unlink a person's Telegram account and cancel open codes."),
            "people unlink Dominique",
        ),
        "mail": ListedCommand(
            "people:mail",
            _("Set the address for a person's approval links; --remove deletes it."),
            "people mail Dominique dominique@example.org",
        ),
    },
)

RECIPIENTS = Listing(
    _(
        "Recipients of mail who are not written to any more: they unsubscribed, or their address does not exist."
    ),
    "recipients list",
    {
        "list": ListedCommand(
            "recipients:list_",
            _(
                "List the addresses that are not written to, with the reason; then those whose mail came back for"
                " now."
            ),
            "recipients list",
        ),
        "suppress": ListedCommand(
            "recipients:suppress",
            _(
                "Write to these addresses no more, on no channel, from the next mail on. With --erased the address"
                " itself is forgotten, and still not written to."
            ),
            "recipients suppress maire@commune.example.fr --unsubscribed",
        ),
        "release": ListedCommand(
            "recipients:release",
            _("Write to these addresses again."),
            'recipients release maire@commune.example.fr --reason "asked us by telephone"',
        ),
        "bounces": ListedCommand(
            "recipients:bounces",
            _(
                "Read mail that came back: addresses that do not exist are no longer written to, other failures are"
                " counted. Needs no token: only what came to a return address of ours counts."
            ),
            "recipients bounces /var/mail/retours",
        ),
        "erase": ListedCommand(
            "recipients:erase",
            _("Erase these addresses everywhere, for good, and write to them no more."),
            'recipients erase maire@commune.example.fr --reason "asked by letter"',
        ),
        "expire": ListedCommand(
            "recipients:expire",
            _("Erase the addresses of all that was over before a day, or as `retention:` says."),
            "recipients expire --before 2025-01-01 --dry-run",
        ),
    },
)

TASK = Listing(
    _(
        "Tasks that need someone: posts to be made by hand, numbers about to expire, promised updates that are due or"
        " late."
    ),
    "task list",
    {
        "list": ListedCommand(
            "people:list_tasks", _("List open tasks, most urgent first."), "task list --all"
        ),
        "show": ListedCommand(
            "people:show_task",
            _(
                "Show what is to be posted by hand: the words alone on stdout, to be copied, and the picture with"
                " --picture FILE."
            ),
            "task show 12",
        ),
        "done": ListedCommand(
            "people:done",
            _(
                "Mark a task as done. For a post by hand say where it stands (--link), or when it was made (--at)."
            ),
            'task done 3 --outcome "Told the SAMU of Lyon by telephone"',
        ),
        "not-done": ListedCommand(
            "people:not_done",
            _("Say that a post was not made by hand, and why: its delivery has then failed."),
            'task not-done 12 --reason "the account is locked"',
        ),
    },
)

PAGE = Listing(
    _("The public page: what stands there now, and what stood at any time."),
    "page show",
    {
        "show": ListedCommand(
            "page:show",
            _("Show each page: its address, the edition that stands, and until when it holds."),
            "page show",
        ),
        "rebuild": ListedCommand(
            "page:rebuild",
            _(
                "Make the edition that stood at a time again, of the record alone, and compare it byte for byte with"
                " what the audit says; into an empty folder with --to."
            ),
            "page rebuild --at 2026-06-02T19:40 --to evening",
        ),
        "verify": ListedCommand(
            "page:verify",
            _("Compare every file that stands with what the record makes of it."),
            "page verify",
        ),
    },
)

AUDIT = Listing(
    _("The audit: who did what and when, in a chain of rows that reveals any change."),
    "audit verify",
    {
        "verify": ListedCommand(
            "watching:verify",
            _(
                "Check every row of the chain; with --head, also that it was not cut or rebuilt"
                " since that head was noted; with --archive, a file of deliveries against it."
            ),
            "audit verify --head 41f2…",
        ),
        "head": ListedCommand(
            "watching:head",
            _("Print the number of rows and the digest of the last one; keep them elsewhere."),
            "audit head",
        ),
        "export": ListedCommand(
            "watching:export",
            _("Print the audit, whole or in part, for an inquiry."),
            "audit export --json > audit.json",
        ),
        "show": ListedCommand(
            "watching:show_row",
            _("Show one row: what was done, and what was written in the tables."),
            "audit show 120",
        ),
    },
)

REGIONS = Listing(
    _("Countries: the numbers, services, territories and words that the program goes by."),
    "regions show GB",
    {
        "list": ListedCommand(
            "regions:list_regions",
            _("List the country packs, which one is in force, and who confirmed it."),
            "regions list",
        ),
        "show": ListedCommand(
            "regions:show",
            _("Show the facts of a country pack, each with its source, to be read and confirmed."),
            "regions show GB",
        ),
        "confirm": ListedCommand(
            "regions:confirm",
            _(
                "Confirm by name that the facts of the pack in force are right. Until then, and after each"
                " change of the pack, approvers are warned that nobody has."
            ),
            "regions confirm GB",
        ),
    },
)

CONFIG = Listing(
    _("The configuration."),
    "config schema",
    {
        "schema": ListedCommand(
            "operating:schema",
            _("Print the JSON Schema of the configuration, for editors that complete and check it."),
            "config schema > config.schema.json",
            server=ANYWHERE,
        ),
    },
)

DB = Listing(
    _("The database."),
    "db upgrade --dry-run",
    {
        "upgrade": ListedCommand(
            "operating:upgrade",
            _("Create or migrate the database; with --dry-run, only show what would change."),
            "db upgrade --dry-run",
        ),
        "backup": ListedCommand(
            "backups:save",
            _("Copy the database to a file while everything runs, and look through the copy (SQLite)."),
            "db backup /backup",
        ),
        "restore": ListedCommand(
            "backups:restore",
            _(
                "Put a copy in the place of the database, halted; refused while a worker or anything else uses the"
                " database (SQLite)."
            ),
            "db restore /backup/alertbot-20260602T213000Z.db",
        ),
        "compact": ListedCommand(
            "backups:compact",
            _("Write the database anew, so that nothing erased can be read from its files (SQLite)."),
            "db compact",
        ),
    },
)
