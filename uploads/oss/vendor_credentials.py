"""The vendor's package `alibabacloud-credentials`: its import, and the corrections that it needs.

Rule: imported only when credentials are fetched. Nothing here depends on the package beyond its public classes, except
the list of connections that a forked process must not share.
"""

import logging
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CONNECT_SECONDS = 2
READ_SECONDS = 5
"""The package waits one second for the metadata service, which a busy machine exceeds."""
_LOGGERS = ("credentials", "alibabacloud-tea")


def provider(name: str, options: dict[str, Any], *, requests: bool) -> Any:
    """A new object of one of the package's provider classes. Raises ImportError without the package.

    `requests`: the class sends requests itself, and takes options for them.
    """
    module = import_module("alibabacloud_credentials.provider")
    _silence()
    _without_scheduler(module)
    if requests:
        http = import_module("alibabacloud_credentials.http")
        limits = http.HttpOptions(connect_timeout=CONNECT_SECONDS * 1000, read_timeout=READ_SECONDS * 1000)
        options = {**options, "http_options": limits}
    return getattr(module, name)(**options)


def with_port(uri: str) -> str:
    """The URI with its port: the package (1.0.12) requests `http://host:None/` for a URI without one."""
    parts = urlsplit(uri)
    if parts.port is not None or not parts.hostname:
        return uri
    port = 443 if parts.scheme == "https" else 80
    return parts._replace(netloc=f"{parts.netloc}:{port}").geturl()


def _without_scheduler(module: Any) -> None:
    """Profiles and the default chain make a provider for the RAM role of an ECS instance with the package's defaults.
    Each starts a thread that never ends, whether it is used or not, and that a forked process lacks."""
    module.EcsRamRoleCredentialsProvider.__init__.__kwdefaults__["async_update_enabled"] = False


class _NotTheirs(logging.Filter):
    """Drops the package's own records. They quote responses, which may hold secrets; our own log tells of failures."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not {"alibabacloud_credentials", "Tea"} & {*Path(record.pathname).parts}


def _silence() -> None:
    """The package attaches handlers to its loggers, which would print beside the site's logging."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(each, _NotTheirs) for each in logger.filters):
            logger.addFilter(_NotTheirs())


def _forget_connections() -> None:
    """A forked process must not use the connections of its parent, which the package keeps for ever."""
    core = sys.modules.get("Tea.core")
    if core is not None:
        core.TeaCore._sessions = {}


os.register_at_fork(after_in_child=_forget_connections)
