"""Keeps the libraries' own loggers from telling what they must not."""

import logging


def quieten(*names: str, level: int = logging.WARNING) -> None:
    """Raise the level of these loggers, never lower it.

    At DEBUG and INFO they print tokens: in headers (oauthlib), in addresses (httpx, urllib3,
    apprise). What happened is in the receipt or the error, so nothing is lost.
    """
    for name in names:
        logger = logging.getLogger(name)
        if logger.level < level:
            logger.setLevel(level)
