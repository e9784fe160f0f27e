"""The WSGI application: a request in, an answer out.

Rule: the only place where a Refusal becomes XML, and where an unforeseen exception becomes InternalError. What it
logs never holds a query, a header or a body: signatures, tokens and secrets travel there.
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from uploads.localoss import access, answers, auth, cors, lifecycle, routes
from uploads.localoss import fault_injection as striking
from uploads.localoss import internal_routes as own
from uploads.localoss.answers import Answer, wsgi_value
from uploads.localoss.auth import Identity
from uploads.localoss.callbacks import Caller
from uploads.localoss.config import Config
from uploads.localoss.errors import Refusal
from uploads.localoss.faults import Effects, Faults
from uploads.localoss.keys import KeyRing
from uploads.localoss.operations.buckets import check_name
from uploads.localoss.operations.context import Context
from uploads.localoss.request import Request, from_environ
from uploads.localoss.routes import Route
from uploads.localoss.store import BucketGone, Store
from uploads.localoss.store.rows import Bucket
from uploads.localoss.sts import Sts
from uploads.localoss.tokens import seal_of
from uploads.oss.messages import CorsConfiguration

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]


def new_request_id(now: datetime) -> str:
    """24 upper-case hex digits, of which the first eight are the second, as in captures."""
    return f"{int(now.timestamp()):08X}"[-8:] + secrets.token_hex(8).upper()


class LocalOss:
    """`config.root` must have been prepared (`prepare`), once, by whoever serves this. `address`: where it is
    reached, for those who are told to come back."""

    def __init__(self, config: Config, address: str = "", clock: Clock = lambda: datetime.now(UTC)) -> None:
        self.config = config
        self.store = Store(config.root)
        seal = seal_of(config.root)
        self.keys = KeyRing(config.keys, config.roles, seal)
        self._sts = Sts(self.keys, seal)
        self.faults = Faults(config.faults)
        self._caller = Caller(config.root, address or f"http://{config.host}:{config.port}", config.callbacks_anywhere)
        self._clock = clock

    def prepare(self) -> None:
        """Make the disk ready and the named buckets exist."""
        for name in self.config.buckets:
            check_name(name)
        self.store.prepare()
        created = int(self._clock().timestamp() * 1000)
        for name in self.config.buckets:
            self.store.buckets.create(Bucket(name, created))

    def run_lifecycle(self) -> None:
        """From now on, in a thread of its own."""
        lifecycle.start(self.store, self.config.lifecycle_interval, self._clock)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = time.monotonic()
        request_id = new_request_id(self._clock())
        method, host = str(environ["REQUEST_METHOD"]), wsgi_host(environ)
        request: Request | None = None
        extra: dict[str, str] = {}
        try:
            request = from_environ(environ, self.config, request_id)
            if own.is_own(request):
                answer = own.answer(request, self.config, self.faults, self._caller)
            else:
                answer, extra = self._answer(request)
        except striking.Cut as cut:
            raise striking.reset(environ) from cut
        except Refusal as refusal:
            answer = answers.error(refusal, request_id, host, method)
        except Exception as error:  # whatever it was, the server lives on and says so in OSS's words
            answer = self._unforeseen(error, request_id, host, method)
        if request is not None:
            _drain(request, environ)
        headers = {**answer.headers, **extra, "x-oss-request-id": request_id}
        headers["x-oss-server-time"] = str(int((time.monotonic() - started) * 1000))
        if isinstance(answer.body, bytes) and method != "HEAD" and answer.status not in (204, 304):
            headers["Content-Length"] = str(len(answer.body))
        start_response(answer.status_line, [(name, wsgi_value(value)) for name, value in headers.items()])
        if not isinstance(answer.body, bytes):
            return _Guarded(answer.body, environ)
        return [answer.body] if answer.body else []

    def _answer(self, request: Request) -> tuple[Answer, dict[str, str]]:
        """The answer, and the CORS headers that go with it even when it is an error."""
        bucket = self._bucket(request)
        rules = cors.configuration(bucket.cors if bucket else None)
        route = routes.find(request)
        effects = self.faults.strike(route.name, request.printable_key, request.parameters.get("partNumber", ""))
        extra = striking.hidden(effects, {} if request.method == "OPTIONS" else cors.ordinary(request, rules))
        return striking.after(effects, request, self._attempt(request, bucket, rules, route, effects)), extra

    def _attempt(
        self, request: Request, bucket: Bucket | None, rules: CorsConfiguration, route: Route, effects: Effects
    ) -> Answer:
        """The work, or why it is not done."""
        shift = timedelta(seconds=effects.clock_shift)
        try:
            striking.before(effects, request)
            if request.method == "OPTIONS":
                return _preflight(request, bucket, rules)
            if route is routes.ASSUME_ROLE:
                return self._sts.answer(request, self._clock() + shift)
            return self._operate(request, bucket, route, self._clock() + shift)
        except Refusal as refusal:
            return answers.error(refusal, request.id, request.host, request.method)
        except BucketGone:
            gone = Refusal("NoSuchBucket", {"BucketName": request.bucket})
            return answers.error(gone, request.id, request.host, request.method)
        except Exception as error:
            return self._unforeseen(error, request.id, request.host, request.method)

    def _bucket(self, request: Request) -> Bucket | None:
        if not request.bucket:
            return None
        check_name(request.bucket)
        return self.store.buckets.get(request.bucket)

    def _operate(self, request: Request, bucket: Bucket | None, route: Route, now: datetime) -> Answer:
        """In OSS's order: the bucket, who is asking, whether they may, the work."""
        if request.bucket and bucket is None and not route.creates:
            raise Refusal("NoSuchBucket", {"BucketName": request.bucket})
        identity = Identity()
        if not route.by_form:
            identity = auth.identify(request, self.config, self.keys, now)
            access.permit(identity, route.action, route.public, bucket, request, self.store)
        context = Context(request, self.config, self.store, self.keys, self._caller, identity, now, bucket)
        return route.run(context)

    def _unforeseen(self, error: Exception, request_id: str, host: str, method: str) -> Answer:
        """A full disk, a failing one, a fault of ours."""
        log.error("request %s (%s) failed", request_id, method, exc_info=error)
        return answers.error(Refusal("InternalError"), request_id, host, method)


def _drain(request: Request, environ: dict[str, Any]) -> None:
    """What nobody wanted is read away; a fault may cut it off even there."""
    try:
        request.body.drain()
    except striking.Cut as cut:
        raise striking.reset(environ) from cut


def _preflight(request: Request, bucket: Bucket | None, rules: CorsConfiguration) -> Answer:
    if bucket is None:
        raise Refusal("NoSuchBucket", {"BucketName": request.bucket})
    vary = {"Vary": "Origin"} if rules.response_vary else {}
    return Answer(headers={**cors.preflight(request, rules), **vary})


class _Guarded:
    """A body under way: a cut in it resets the connection."""

    def __init__(self, body: Iterable[bytes], environ: dict[str, Any]) -> None:
        self._body, self._environ = body, environ

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._body
        except striking.Cut as cut:
            raise striking.reset(self._environ) from cut

    def close(self) -> None:
        if close := getattr(self._body, "close", None):
            close()


def wsgi_host(environ: dict[str, Any]) -> str:
    return str(environ.get("HTTP_HOST", ""))
