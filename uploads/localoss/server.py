"""The server: gunicorn around the application, one worker process with threads.

gunicorn streams request bodies, rejects malformed lengths (RFC 9112, section 6.3) and does not let idle connections
hold threads. cheroot holds a whole chunk in memory, accepts ambiguous lengths, and gives each new connection a thread.
waitress receives the whole body before the application runs.

Rule: gunicorn is known in this module and in `worker.py` alone. Every way of ending the server ends all of its
processes at once; the store is safe against that at any moment.
"""

import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import IO, Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from uploads.localoss import worker
from uploads.localoss.application import LocalOss
from uploads.localoss.config import Config
from uploads.localoss.errors import Refusal

BACKLOG = 512
KEEPALIVE_SECONDS = 75
PR_SET_PDEATHSIG = 1


class StartError(Exception):
    """Why the server cannot start, in one line."""


def serve(config: Config) -> None:
    """Serve until a signal comes. Print the URL once connections are accepted.

    Does not return. StartError if the address, the data directory or a bucket name cannot be used.
    """
    listener = listen(config)
    lock = lock_root(config)
    application = LocalOss(config, url(config, listener))
    try:
        application.prepare()
    except Refusal as refusal:
        raise StartError(f"{refusal.fields.get('BucketName', '')}: {refusal.message}") from refusal
    except OSError as error:
        raise StartError(f"cannot use {config.root}: {error.strerror}") from error
    application.store.close()
    worker.install()
    _Gunicorn(application, listener, url(config, listener)).run()
    lock.close()


def listen(config: Config) -> socket.socket:
    """The listening socket. Port 0 takes a free one. StartError if the address cannot be used."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted sockets inherit this timeout: a client that stops sending does not hold a thread for ever.
    seconds = int(config.io_timeout)
    listener.setsockopt(
        socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", seconds, int((config.io_timeout - seconds) * 1e6))
    )
    try:
        listener.bind((config.host, config.port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise StartError(f"cannot listen on {config.host}:{config.port}: {reason}") from error
    return listener


def url(config: Config, listener: socket.socket) -> str:
    """The server's URL, with the port that the listener has."""
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"http://{host}:{listener.getsockname()[1]}"


def lock_root(config: Config) -> IO[str]:
    """The open lock file of the data directory. StartError if another server holds it.

    A second server would remove the first one's unfinished blobs when it starts.
    """
    try:
        config.root.mkdir(parents=True, exist_ok=True)
        lock = (config.root / "lock").open("w")
    except OSError as error:
        raise StartError(f"cannot use {config.root}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise StartError(f"{config.root} is in use by another local OSS server") from error
    return lock


class _Gunicorn(BaseApplication):  # type: ignore[misc]
    """gunicorn's documented custom application: settings without its own command line and files."""

    def __init__(self, application: LocalOss, listener: socket.socket, address: str) -> None:
        self.application = application
        self._listener = listener
        self._address = address
        super().__init__()

    def load_config(self) -> None:
        config = self.application.config
        settings = {
            "bind": f"fd://{os.dup(self._listener.fileno())}",
            "worker_class": f"{worker.__name__}.Worker",
            "workers": 1,
            "threads": config.threads,
            "timeout": 0,
            "graceful_timeout": 2,
            "keepalive": KEEPALIVE_SECONDS,
            "limit_request_line": 0,
            "limit_request_field_size": worker.MAX_HEAD_BYTES,
            "loglevel": "critical",
            "control_socket_disable": True,
            "proc_name": "localoss",
            "post_fork": lambda arbiter, worker: _end_with_arbiter(arbiter.pid),
            "post_worker_init": self._started,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Iterable[bytes]]:
        def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            environ["localoss.socket"] = environ["gunicorn.socket"]
            return self.application(environ, start_response)

        return call

    def _started(self, worker: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGQUIT):
            signal.signal(number, lambda *_: os._exit(0))
        # Ctrl-C reaches the whole process group; the arbiter then sends SIGQUIT.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.application.run_lifecycle()
        if self.application.config.exit_with_stdin:
            threading.Thread(target=_end_with_stdin, args=(worker.ppid,), name="stdin", daemon=True).start()
        if worker.age == 1:
            print(self._address, flush=True)  # noqa: T201  # the documented output


def _end_with_arbiter(arbiter: int) -> None:
    """Linux kills the worker with gunicorn's arbiter; elsewhere gunicorn's own watch takes a second."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != arbiter:
        os._exit(0)


def _end_with_stdin(arbiter: int) -> None:
    """Wait until standard input is closed, then end the arbiter and with it this worker."""
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    os.kill(arbiter, signal.SIGTERM)
