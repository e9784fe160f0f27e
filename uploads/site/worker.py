"""The gunicorn worker of the standalone site: a thread is used only for a request that has arrived completely.

gunicorn's own threaded worker reads requests in its threads and without a deadline, so a few clients that send slowly
stop the site. Here gunicorn manages the processes, and waitress reads requests and writes answers in one event loop.

Rule: only interfaces that both document: `gunicorn.workers.base.Worker`, and waitress's server, channel and
adjustments (https://docs.pylonsproject.org/projects/waitress/en/stable/arguments.html).
"""

import os
import resource
import time
from typing import Any

from gunicorn.workers.base import Worker  # type: ignore[import-untyped]
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer, UnixWSGIServer
from waitress.task import ThreadedTaskDispatcher

REQUEST_SECONDS = 30
"""Within this time after its first byte a request must have arrived, header and body."""
IDLE_SECONDS = 30
"""A connection that is silent for so long is closed."""
CLEANUP_SECONDS = 5
MAX_HEADER_BYTES = 32 * 1024
MAX_BODY_BYTES = 3 * 1024 * 1024
"""More than the largest body that the app accepts, so that the app itself explains its limit."""
FIRST_REQUEST_SECONDS = 5
"""So long a process that ends waits for the first request on a connection that it has accepted."""
SPARE_FILES = 100
"""File descriptors for the database, for OSS and for logs."""
ACCEPTED_AT_ONCE = 64


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no type information.
    """One connection. `request_began` is when the first byte of the unfinished request came; None between requests.
    `had_request` tells whether one has arrived."""

    request_began: float | None = None
    had_request = False

    def received(self, data: bytes) -> Any:
        result = super().received(data)
        if self.request is None:
            self.request_began, self.had_request = None, True
        elif self.request_began is None:
            self.request_began = time.time()
        return result

    @property
    def is_waiting(self) -> bool:
        """Whether nothing is lost by closing it: no complete request, and no answer that is still being sent."""
        return not self.requests and not self.total_outbufs_len

    @property
    def has_ended(self) -> bool:
        """Whether a process that ends may close it. A balancer that has opened it is about to send its request."""
        if self.request_began is not None or not self.is_waiting:
            return False
        return self.had_request or time.time() - float(self.creation_time) > FIRST_REQUEST_SECONDS


class _Limits:
    """What both kinds of server do differently from waitress."""

    channel_class = Channel
    active_channels: dict[int, Channel]
    adj: Any

    def handle_accept(self) -> None:
        """Accepts several connections in one turn, and never refuses: the oldest connection makes room for a new one.

        A server that stops accepting at its limit is stopped by whoever opens that many connections.
        """
        for _ in range(ACCEPTED_AT_ONCE):
            before = len(self.active_channels)
            super().handle_accept()  # type: ignore[misc]
            if len(self.active_channels) == before:
                return
            if before >= self.adj.connection_limit:
                self._close_oldest()

    def accept_all(self) -> None:
        """Accepts every connection that waits."""
        before = -1
        while len(self.active_channels) != before:
            before = len(self.active_channels)
            self.handle_accept()

    def _close_oldest(self) -> None:
        waiting = [channel for channel in self.active_channels.values() if channel.is_waiting]
        if waiting:
            min(waiting, key=lambda channel: float(channel.creation_time)).handle_close()

    def readable(self) -> bool:
        # waitress stops accepting at its own limit, which counts more than connections; ours is in handle_accept.
        now = time.time()
        if now >= self.next_channel_cleanup:  # type: ignore[has-type]
            self.next_channel_cleanup = now + self.adj.cleanup_interval
            self.maintenance(now)
        return bool(self.accepting)  # type: ignore[attr-defined]

    def maintenance(self, now: float) -> None:
        super().maintenance(now)  # type: ignore[misc]
        for channel in self.active_channels.values():
            if channel.request_began is not None and now - channel.request_began > REQUEST_SECONDS:
                channel.will_close = True


class _TcpServer(_Limits, TcpWSGIServer):  # type: ignore[misc]
    pass


class _UnixServer(_Limits, UnixWSGIServer):  # type: ignore[misc]
    pass


class BufferedWorker(Worker):  # type: ignore[misc]
    """gunicorn's settings `threads`, `worker_connections`, `backlog` and `graceful_timeout` apply."""

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Raises RuntimeError for settings that would have no effect although somebody relies on them."""
        if cfg.is_ssl:
            raise RuntimeError(
                "This site serves plain HTTP. Let the web server in front do TLS: see deploy/nginx.conf."
            )

    def load_wsgi(self) -> None:
        # The system checks must know the number of processes, which may also come from the command line or a file.
        os.environ.pop("GUNICORN_CMD_ARGS", None)
        os.environ["WEB_CONCURRENCY"] = str(self.cfg.workers)
        super().load_wsgi()

    def run(self) -> None:
        files: dict[int, Any] = {}
        threads = ThreadedTaskDispatcher()
        threads.set_thread_count(self.cfg.threads)
        servers = [self._server(listener.sock, files, threads) for listener in self.sockets]
        while self.alive and self.ppid == os.getppid():
            self._turn(files)
        for server in servers:
            # The system answers connections for as long as any process has the socket open. So those that wait are
            # accepted, and then this process lets go of it: other processes, or systemd, may keep it.
            server.accept_all()
            server.accepting = False
            server.del_channel(files)
            server.socket.close()
        self._finish_requests(servers, files)
        threads.shutdown(timeout=1)  # Idle threads need a moment to end.

    def _server(self, listener: Any, files: dict[int, Any], threads: ThreadedTaskDispatcher) -> Any:
        is_unix = not isinstance(listener.getsockname(), tuple)
        adjustments = Adjustments(
            ident=None,
            threads=self.cfg.threads,
            backlog=self.cfg.backlog,
            connection_limit=min(self.cfg.worker_connections, _raise_file_limit() - SPARE_FILES),
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=CLEANUP_SECONDS,
            max_request_header_size=MAX_HEADER_BYTES,
            max_request_body_size=MAX_BODY_BYTES,
            log_socket_errors=False,
            # Django decides by DJANGO_PROXIES which headers of a proxy count.
            clear_untrusted_proxy_headers=False,
        )
        address = (listener.family, listener.type, listener.proto, listener.getsockname())
        kind = _UnixServer if is_unix else _TcpServer
        return kind(
            self.wsgi, files, True, listener, dispatcher=threads, adj=adjustments, bind_socket=False, sockinfo=address
        )

    def _turn(self, files: dict[int, Any]) -> None:
        self.notify()
        wasyncore.loop(timeout=0.5, use_poll=True, map=files, count=1)

    def _finish_requests(self, servers: list[Any], files: dict[int, Any]) -> None:
        """Answer the requests that have arrived, for at most `graceful_timeout` seconds."""
        deadline = time.monotonic() + self.cfg.graceful_timeout
        while time.monotonic() < deadline:
            if all(channel.has_ended for server in servers for channel in server.active_channels.values()):
                return
            self._turn(files)


def _raise_file_limit() -> int:
    """Raise the number of files that this process may open as far as the system lets it, and return it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = hard if hard != resource.RLIM_INFINITY else 65536
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit
