"""The configuration: `config.yaml` read into strict, frozen settings."""

from alertbot.settings.channel import BudgetSettings, ChannelSettings, PaceSettings, channel_of
from alertbot.settings.reading import read, schema
from alertbot.settings.secrets import SANDBOX_SECRETS, Secret, WithSecrets
from alertbot.settings.shapes import (
    Duration,
    FilePath,
    Language,
    Languages,
    Port,
    ServerRoot,
    Settings,
    SomeDuration,
    Variable,
)
from alertbot.settings.whole import (
    ApprovalSettings,
    Config,
    OrganisationSettings,
    approvals_of,
    organisation_of,
)

__all__ = [
    "SANDBOX_SECRETS",
    "ApprovalSettings",
    "BudgetSettings",
    "ChannelSettings",
    "Config",
    "Duration",
    "FilePath",
    "Language",
    "Languages",
    "OrganisationSettings",
    "PaceSettings",
    "Port",
    "Secret",
    "ServerRoot",
    "Settings",
    "SomeDuration",
    "Variable",
    "WithSecrets",
    "approvals_of",
    "channel_of",
    "organisation_of",
    "read",
    "schema",
]
