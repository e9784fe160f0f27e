"""The demo: a local OSS server and the site on one machine, without an Alibaba Cloud account.

Rule: one parent with two child processes. All end when the parent gets a signal, or when a child ends by itself.
"""

import fcntl
import io
import json
import re
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from uploads.site.children import ChildError, Children, ended_by_signals, require_free
from uploads.site.secret_files import SECRETS

HOST = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104  Only where DEMO_HOST asks for it.
BUCKET, REGION = "demo-bucket", "cn-hangzhou"
KEY_ID, KEY_SECRET = "demo-key-id", "demo-key-secret"
ROLE_ARN = "acs:ram::1000000000000001:role/demo-upload-role"
ACCOUNTS = (("demo", False), ("admin", True))
DEVELOPMENT_PORTS = (5173, 4173, 4200, 3000)
"""Of the development servers of Vite (also its preview), Angular and Next.js: their pages may upload to the demo."""
FAULTS = [
    {"operation": "UploadPart", "probability": 0.2, "error": {"status": 503, "code": "ServiceUnavailable"}},
    {"operation": "UploadPart", "probability": 0.1, "reset": "middle"},
    {"operation": "CompleteMultipartUpload", "count": 1, "lose_answer": True},
]
"""What goes wrong from the start with FAULTS=1."""
DESTINATIONS = {"default": {"client_options": ["metadata"], "credentials": "prefix", "download_expires": 3600}}


class DemoError(ChildError):
    """The demo cannot start. The text is one line for the terminal."""


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """The ports of the site and of the local OSS server, and the directory of their data.

    `host` is DEMO_HOST: this machine alone, unless it is another name or address. `oss_url` is DEMO_OSS_URL: the
    address of the local OSS for browsers, where it cannot be told from the page's. `faults` is FAULTS: whether the
    local OSS injects faults.
    """

    port: int
    oss_port: int
    var: Path
    host: str = HOST
    oss_url: str = ""
    faults: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "DemoSettings":
        """From PORT, OSS_PORT, VAR_DIR, DEMO_HOST, DEMO_OSS_URL and FAULTS. Raises DemoError when one is malformed."""
        try:
            port, oss_port = int(environ.get("PORT") or 8000), int(environ.get("OSS_PORT") or 9000)
        except ValueError:
            raise DemoError("PORT and OSS_PORT must be port numbers.") from None
        host, oss_url = environ.get("DEMO_HOST") or HOST, environ.get("DEMO_OSS_URL", "").rstrip("/")
        if not re.fullmatch(r"[A-Za-z0-9.-]+", host):
            raise DemoError("DEMO_HOST must be a name or an IPv4 address, such as 0.0.0.0.")
        if oss_url and not re.fullmatch(r"https?://[^/]+", oss_url):
            raise DemoError("DEMO_OSS_URL must be scheme://host[:port], such as https://oss.example.dev.")
        if (faults := environ.get("FAULTS") or "0") not in ("0", "1"):
            raise DemoError("FAULTS must be 1, or not be set.")
        var = Path(environ.get("VAR_DIR") or "var").resolve()
        return cls(port, oss_port, var, host.lower(), oss_url, faults == "1")

    @property
    def is_public(self) -> bool:
        """Whether other machines may reach it."""
        return self.host not in (HOST, "localhost")

    @property
    def bind(self) -> str:
        """The address to listen on."""
        return EVERYWHERE if self.is_public else HOST

    @property
    def site(self) -> str:
        """The origin of the site, as this machine opens it."""
        return f"http://{HOST if self.host == EVERYWHERE else self.host}:{self.port}"

    @property
    def allowed_hosts(self) -> str:
        """For DJANGO_ALLOWED_HOSTS."""
        return "*" if self.host == EVERYWHERE else ",".join(dict.fromkeys(["localhost", HOST, self.host]))

    @property
    def origins(self) -> list[str]:
        """The origins of pages that may upload. `*` stands for any text, as in the CORS rules of OSS."""
        if self.host == EVERYWHERE:
            return ["http://*", "https://*"]
        local = [f"http://{name}:{port}" for port in (self.port, *DEVELOPMENT_PORTS) for name in (HOST, "localhost")]
        named = [f"{scheme}://{self.host}{port}" for scheme in ("http", "https") for port in ("", ":*")]
        return [*local, *named] if self.is_public else local


def is_prepared(environ: Mapping[str, str]) -> bool:
    """Whether these variables come from `environment()`."""
    return "OSS_UPLOADS_DEMO" in environ


def environment(settings: DemoSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` with the variables that make the standalone site the demo. Creates the directory of its data."""
    settings.var.mkdir(parents=True, exist_ok=True)
    files = {f"{name}_FILE" for name in SECRETS}
    return {
        **{name: value for name, value in environ.items() if name not in files},
        "OSS_UPLOADS_DEMO": "1",
        "DJANGO_SETTINGS_MODULE": f"uploads.site.{'demo_settings' if settings.is_public else 'settings'}",
        "DJANGO_DEBUG": "false",
        "DJANGO_SECRET_KEY": _secret_key(settings.var / "secret_key"),
        "DJANGO_ALLOWED_HOSTS": settings.allowed_hosts,
        "DJANGO_SECURE_COOKIES": "false",
        "DJANGO_PROXIES": "0",
        "DATABASE_URL": f"sqlite:///{settings.var / 'db.sqlite3'}",
        "CACHE_URL": "locmem://",
        "OSS_ENDPOINT": f"http://{HOST}:{settings.oss_port}",
        "OSS_INTERNAL_ENDPOINT": "",
        "OSS_ADDRESSING": "path",
        "OSS_REGION": REGION,
        "OSS_BUCKET": BUCKET,
        "OSS_ACCESS_KEY_ID": KEY_ID,
        "OSS_ACCESS_KEY_SECRET": KEY_SECRET,
        "OSS_CREDENTIALS": "",
        "OSS_SESSION_TOKEN": "",
        "OSS_SESSION_EXPIRES": "",
        "OSS_STS_ENDPOINT": f"http://{HOST}:{settings.oss_port}",
        "OSS_STS_ROLE_ARN": ROLE_ARN,
        "OSS_CALLBACK_KEY_URLS": f"http://{HOST}:{settings.oss_port}/-/",
        "UPLOADS_DESTINATIONS": environ.get("UPLOADS_DESTINATIONS") or json.dumps(DESTINATIONS),
        "UPLOADS_ORIGINS": ",".join(settings.origins),
        "METRICS_TOKEN": "",
        "METRICS_PUBLIC": "true",
        "LOG_FORMAT": "line",
        "LOG_LEVEL": environ.get("LOG_LEVEL", "WARNING"),
    }


def restart_command(arguments: list[str]) -> list[str]:
    """The arguments of this interpreter (`sys.orig_argv`), by which the demo starts again with its own settings.

    `python -m django` cannot be started again by the path of its module: packages of Django, such as `http`, would
    hide those of Python.
    """
    kept, rest = [], iter(arguments[1:])
    for argument in rest:
        if argument == "--settings":
            next(rest, None)
        elif not argument.startswith("--settings="):
            kept.append(argument)
    return kept


def _secret_key(path: Path) -> str:
    """Kept in a file, so that a login survives a restart."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text()


def run(settings: DemoSettings, write: Callable[[str], object]) -> None:
    """Blocks until Ctrl-C, SIGTERM or SIGHUP. Raises ChildError when the demo cannot start or a child process ends."""
    with _lock(settings), ended_by_signals(), Children() as children:
        require_free(HOST, settings.port, "PORT")
        require_free(HOST, settings.oss_port, "OSS_PORT")
        children.start("local OSS", (HOST, settings.oss_port), *_local_oss(settings))
        _prepare()
        children.start("site", (HOST, settings.port), *_site(settings))
        write(_summary(settings))
        children.wait()


def _local_oss(settings: DemoSettings) -> list[str]:
    return [
        *("-m", "uploads.localoss", "--host", settings.bind, "--port", str(settings.oss_port), "--bucket", BUCKET),
        *("--root", str(settings.var / "oss"), "--region", REGION),
        *("--access-key-id", KEY_ID, "--access-key-secret", KEY_SECRET),
        # A name of its own, so that name.localhost is not taken for a bucket.
        *(("--base-domain", settings.host) if settings.is_public else ()),
        *(("--allow-faults", "--faults", str(_faults_file(settings.var))) if settings.faults else ()),
    ]


def _faults_file(var: Path) -> Path:
    path = var / "faults.json"
    path.write_text(json.dumps(FAULTS))
    return path


def _site(settings: DemoSettings) -> list[str]:
    return [
        *("-m", "gunicorn", "-c", "python:uploads.site.gunicorn", "uploads.site.wsgi"),
        *("--bind", f"{settings.bind}:{settings.port}", "--log-level", "warning", "--graceful-timeout", "2"),
    ]


def _prepare() -> None:
    """Migrates the database, creates the accounts and configures the bucket. Safe to repeat."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    call_command("check", tags=["uploads"], stdout=io.StringIO())
    call_command("migrate", verbosity=0)
    users = get_user_model().objects
    for name, is_admin in ACCOUNTS:
        if not users.filter(username=name).exists():
            create = users.create_superuser if is_admin else users.create_user
            create(username=name, password=name)
    call_command("configure_bucket", stdout=io.StringIO())


def _summary(settings: DemoSettings) -> str:
    files, here = settings.var / "oss", Path.cwd()
    files = files.relative_to(here) if files.is_relative_to(here) else files
    return (
        f"\n  Upload page   {settings.site}/            (demo / demo)\n"
        f"  Admin         {settings.site}/admin/      (admin / admin)\n"
        f"  API           {settings.site}/api/docs/\n"
        f"  Local OSS     http://{HOST}:{settings.oss_port}   bucket {BUCKET}, files in {files}\n\n"
        f"{_note(settings)}{_note_of_faults(settings)}  Press Ctrl-C to stop.\n"
    )


def _note(settings: DemoSettings) -> str:
    """For a demo that others can reach: under which address, and that its passwords are public."""
    if not settings.is_public:
        return ""
    name = _own_address() if settings.host == EVERYWHERE else settings.host
    return (
        f"  Other machines open http://{name}:{settings.port}/ or a forwarded port. Everybody who can reach it can\n"
        "  log in: the passwords are public.\n\n"
    )


def _note_of_faults(settings: DemoSettings) -> str:
    if not settings.faults:
        return ""
    address = f"http://{HOST}:{settings.oss_port}/-/faults"
    return (
        "  Faults are on: requests to the local OSS fail now and then. They end with\n"
        f"  curl -X DELETE {address}; docs/local-oss.md says how to set others.\n\n"
    )


def _own_address() -> str:
    """The address of this machine in its network; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # An address for documentation (RFC 5737).
        except OSError:
            return HOST
        return str(probe.getsockname()[0])


@contextmanager
def _lock(settings: DemoSettings) -> Iterator[None]:
    """One demo for each data directory. Raises DemoError when another is running."""
    with open(settings.var / "demo.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoError(f"The demo is already running in {settings.var}. Stop it, or set VAR_DIR.") from None
        yield
