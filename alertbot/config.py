"""The configuration: `config.yaml` read into strict, frozen settings."""

from alertbot.settings.approvals_by import (
    ApproverSettings,
    DutySettings,
    MailApprovals,
    ServeSettings,
    TelegramApprovals,
    WebhookSettings,
    sections,
)
from alertbot.settings.channel import BudgetSettings, ChannelSettings, PaceSettings, channel_of
from alertbot.settings.partly import database_settings, read_partly
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
    "ApproverSettings",
    "BudgetSettings",
    "ChannelSettings",
    "Config",
    "Duration",
    "DutySettings",
    "FilePath",
    "Language",
    "Languages",
    "MailApprovals",
    "OrganisationSettings",
    "PaceSettings",
    "Port",
    "Secret",
    "ServeSettings",
    "ServerRoot",
    "Settings",
    "SomeDuration",
    "TelegramApprovals",
    "Variable",
    "WebhookSettings",
    "WithSecrets",
    "approvals_of",
    "channel_of",
    "database_settings",
    "organisation_of",
    "read",
    "read_partly",
    "schema",
    "sections",
]
