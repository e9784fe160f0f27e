"""Secrets of the standalone site: from a variable, or from the file that a second variable names.

`OSS_ACCESS_KEY_SECRET_FILE=/run/secrets/oss` is read in place of `OSS_ACCESS_KEY_SECRET`. Containers and systemd hand
secrets over as files: https://docs.docker.com/compose/how-tos/use-secrets/ and systemd.exec(5), "Credentials".

Rule: reading never fails. What is wrong is in `problems`, without quoting a secret.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

SECRETS = (
    "DJANGO_SECRET_KEY", "DATABASE_URL", "DATABASE_PASSWORD", "CACHE_URL",
    "OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN", "OSS_CREDENTIALS",
    "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN",
    "METRICS_TOKEN", "UPLOADS_BUCKETS", "UPLOADS_WEBHOOKS",
)  # fmt: skip
"""The variables that may hold a secret. Each may be a file: its name and `_FILE`."""


class SecretReader:
    """Reads the variables of `SECRETS` from `environ` or from files."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: dict[str, list[str]] = {}
        """The variables that could not be read, with the reasons."""

    def text(self, name: str) -> str:
        """The value; "" when it is not set. The line break at the end of a file does not count."""
        if name not in SECRETS:  # Otherwise its file is not documented.
            raise LookupError(name)
        value, path = self._environ.get(name, ""), self._environ.get(f"{name}_FILE", "")
        if not path:
            return value
        if value:
            self.problems[name] = [f"It is set, and {name}_FILE too. Set one of them."]
            return value
        return self._content(f"{name}_FILE", path)

    def parsed(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """The value as `parse` reads it; `default` when it is not set, or when `parse` raises an exception."""
        text = self.text(name)
        try:
            return parse(text) if text else default
        except Exception:  # Libraries raise all kinds, and their messages may quote the value.
            self.problems[name] = ["It is malformed."]
            return default

    def is_set(self, name: str) -> bool:
        """Whether the variable or its file is named, readable or not."""
        return bool(self._environ.get(name) or self._environ.get(f"{name}_FILE"))

    def _content(self, variable: str, path: str) -> str:
        try:
            content = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            self.problems[variable] = [f"{path} cannot be read: {error.strerror}."]
        except ValueError:
            self.problems[variable] = [f"{path} is not UTF-8 text."]
        else:
            if not content:
                self.problems[variable] = [f"{path} is empty."]
            return content
        return ""
