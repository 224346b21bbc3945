"""The database itself: db upgrade."""

from typing import Annotated

import typer

from alertbot.app import build
from alertbot.cli.frame import AsJson, emit, say, session
from alertbot.cli.running import with_app
from alertbot.store import migrate
from alertbot.words import _


def upgrade(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_("Change nothing."))] = False,
    as_json: AsJson = False,
) -> None:
    url = build(session(context).config_path()).config.database_url
    steps = migrate.pending(url)
    if not steps:
        say(_("The database is up to date."), as_json)
    for step in steps:
        say(f"{step.revision}  {step.description}", as_json)
    if steps and not dry_run:
        with_app(context, lambda app: app.open())
        say(_("The database has been migrated."), as_json)
    if as_json:
        emit({"pending": [step.revision for step in steps], "done": bool(steps) and not dry_run})
