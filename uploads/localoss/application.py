"""The WSGI application.

Rule: only here a Refusal becomes an error response, and any other exception an InternalError. Log lines hold no query,
header or body, because signatures, tokens and secrets are sent there.
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from uploads.localoss import (
    access,
    answers,
    auth,
    cors,
    default_domains,
    endpoint_rules,
    fault_injection,
    internal_routes,
    lifecycle,
    routes,
    sts_answers,
)
from uploads.localoss.account_rules import AccountRules, RuleRefusal
from uploads.localoss.addressing import endpoint_of
from uploads.localoss.answers import Answer, wsgi_value
from uploads.localoss.auth import Identity
from uploads.localoss.callbacks import CallbackClient
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
from uploads.localoss.store.settings import BucketSettings
from uploads.localoss.sts import Sts
from uploads.localoss.tokens import token_cipher
from uploads.oss.cors import CorsConfiguration

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]


def new_request_id(now: datetime) -> str:
    """24 upper-case hex digits. The first eight are the Unix time, as in recorded answers of OSS."""
    return f"{int(now.timestamp()):08X}"[-8:] + secrets.token_hex(8).upper()


class LocalOss:
    """The local OSS as a WSGI application.

    Call `prepare` once before serving. `address` is the server's URL, from which callbacks' receivers fetch the public
    key. `clock` returns the current time.
    """

    def __init__(self, config: Config, address: str = "", clock: Clock = lambda: datetime.now(UTC)) -> None:
        self.config = config
        self.store = Store(config.root, fsync=config.fsync)
        cipher = token_cipher(config.root)
        self.keys = KeyRing(config.keys, config.roles, cipher)
        self.keys.replace_ram(config.ram.users, config.ram.roles)
        self._sts = Sts(self.keys, cipher)
        self.faults = Faults(config.faults)
        self.rules = AccountRules(config.account_rules, config.endpoint_kinds)
        self._switches = internal_routes.Switches(self.faults, self.rules, self.keys)
        self._callback_client = CallbackClient(
            config.root, address or f"http://{config.host}:{config.port}", config.callbacks_anywhere
        )
        self._clock = clock

    def prepare(self) -> None:
        """Prepare the data directory and create the configured buckets. Refusal for an invalid bucket name."""
        for name in self.config.buckets:
            check_name(name)
        self.store.prepare()
        created = int(self._clock().timestamp() * 1000)
        for name in self.config.buckets:
            settings = BucketSettings(
                self.config.regions.get(name, ""), block_public_access="block-public-access" in self.rules.current
            )
            self.store.buckets.create(Bucket(name, created, settings=settings))

    def run_lifecycle(self) -> None:
        """Start to run the lifecycle rules, in a thread of their own."""
        lifecycle.start(self.store, self.config.lifecycle_interval, self._clock)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = time.monotonic()
        request_id = new_request_id(self._clock())
        method, host = str(environ["REQUEST_METHOD"]), wsgi_host(environ)
        request: Request | None = None
        extra: dict[str, str] = {}
        try:
            request = from_environ(environ, self.config, request_id)
            if internal_routes.is_internal(request):
                answer = internal_routes.answer(request, self.config, self._switches, self._callback_client)
            else:
                answer, extra = self._answer(request)
        except fault_injection.ResetRequested as requested:
            raise fault_injection.reset_connection(environ) from requested
        except Refusal as refusal:
            answer = answers.error(refusal, request_id, host, method)
        except Exception as error:  # The server goes on after any error.
            answer = self._internal_error(error, request_id, host, method)
        headers = {**answer.headers, **extra, "x-oss-request-id": request_id}
        if request is not None and request.body.wrapped:
            _drain_faulty(request, environ)
        if request is not None and request.body.unasked:
            # The client may send the body after all, or not (RFC 9110, section 10.1.1).
            headers["Connection"] = "close"
        headers["x-oss-server-time"] = str(int((time.monotonic() - started) * 1000))
        if isinstance(answer.body, bytes) and method != "HEAD" and answer.status not in (204, 304):
            headers["Content-Length"] = str(len(answer.body))
        start_response(answer.status_line, [(name, wsgi_value(value)) for name, value in headers.items()])
        return _ResponseBody(answer.body, environ, request)

    def unreadable(self, environ: dict[str, Any], refusal: Refusal) -> Answer:
        """The whole response to a request that the HTTP layer refuses. `environ` holds what could be read of it."""
        request_id, host = new_request_id(self._clock()), wsgi_host(environ)
        answer = answers.error(refusal, request_id, host, "GET")
        with suppress(Exception):  # A page needs the CORS headers to read the error, but the error comes first.
            request = from_environ(environ, self.config, request_id)
            bucket = self._bucket(request)
            answer.headers |= cors.ordinary(request, cors.configuration(bucket.cors if bucket else None))
        answer.headers["x-oss-request-id"] = request_id
        answer.headers["Date"] = format_datetime(self._clock(), usegmt=True)
        return answer

    def _answer(self, request: Request) -> tuple[Answer, dict[str, str]]:
        """The response, and its CORS headers, which an error response has too."""
        bucket = self._bucket(request)
        rules = cors.configuration(bucket.cors if bucket else None)
        route = routes.find(request)
        effects = self.faults.effects_on(route.name, request.printable_key, request.parameters.get("partNumber", ""))
        cors_headers = {} if request.method == "OPTIONS" else cors.ordinary(request, rules)
        answer = self._attempt(request, bucket, rules, route, effects)
        if effects.clock_shift:
            shifted = self._clock() + timedelta(seconds=effects.clock_shift)
            answer.headers["Date"] = format_datetime(shifted, usegmt=True)
        answer = fault_injection.apply_after(effects, request, answer)
        return answer, fault_injection.cors_headers(effects, cors_headers) if answer.cors else {}

    def _attempt(
        self, request: Request, bucket: Bucket | None, rules: CorsConfiguration, route: Route, effects: Effects
    ) -> Answer:
        """The response of the operation, or an error response."""
        shift = timedelta(seconds=effects.clock_shift)
        try:
            request.check_size()
            fault_injection.apply_before(effects, request, self.store)
            if request.method == "OPTIONS":
                return _preflight(request, bucket, rules)
            if route is routes.ASSUME_ROLE:
                return self._sts.answer(request, self._clock() + shift)
            return self._operate(request, bucket, route, self._clock() + shift)
        except Refusal as refusal:
            if route is routes.ASSUME_ROLE:
                return sts_answers.injected(refusal, request)
            answer = answers.error(refusal, request.id, request.host, request.method)
            answer.cors = not (isinstance(refusal, RuleRefusal) and "refusals-without-cors" in self.rules.current)
            return answer
        except BucketGone:
            missing = Refusal("NoSuchBucket", {"BucketName": request.bucket})
            return answers.error(missing, request.id, request.host, request.method)
        except Exception as error:
            return self._internal_error(error, request.id, request.host, request.method)

    def _bucket(self, request: Request) -> Bucket | None:
        if not request.bucket:
            return None
        check_name(request.bucket)
        return self.store.buckets.get(request.bucket)

    def _operate(self, request: Request, bucket: Bucket | None, route: Route, now: datetime) -> Answer:
        """Run the operation. Checks come in OSS's order: bucket, endpoint, signature, authorization."""
        if request.bucket and bucket is None and not route.creates:
            raise Refusal("NoSuchBucket", {"BucketName": request.bucket})
        rules, endpoint = self.rules.current, endpoint_of(request.host, self.config, self.rules.kinds)
        endpoint_rules.check_rules(request, route, endpoint, rules)
        endpoint = endpoint_rules.check_region(request, route, bucket, endpoint, self.config)
        identity = Identity()
        if not route.by_form:
            identity = auth.identify(request, replace(self.config, region=endpoint.region), self.keys, now)
            access.permit(identity, route.action, route.public, bucket, request, self.store)
        context = Context(
            request, self.config, self.store, self.keys, self._callback_client, identity, now, bucket, rules, endpoint
        )
        return default_domains.apply(request, route.name, endpoint, rules, route.run(context))

    def _internal_error(self, error: Exception, request_id: str, host: str, method: str) -> Answer:
        """The response to an unexpected exception, such as a full disk."""
        log.error("request %s (%s) failed", request_id, method, exc_info=error)
        return answers.error(Refusal("InternalError"), request_id, host, method)


def _drain_faulty(request: Request, environ: dict[str, Any]) -> None:
    """Read the rest of a body on which a fault acts: the fault may reset the connection instead of the response."""
    try:
        request.body.drain()
    except fault_injection.ResetRequested as requested:
        raise fault_injection.reset_connection(environ) from requested


def _preflight(request: Request, bucket: Bucket | None, rules: CorsConfiguration) -> Answer:
    if bucket is None:
        raise Refusal("NoSuchBucket", {"BucketName": request.bucket})
    vary = {"Vary": "Origin"} if rules.response_vary else {}
    return Answer(headers={**cors.preflight(request, rules), **vary})


class _ResponseBody:
    """A response body, in which an injected fault may reset the connection. After it, the rest of the request's body is
    read: the answer does not wait for bytes that may never come."""

    def __init__(self, body: bytes | Iterable[bytes], environ: dict[str, Any], request: Request | None) -> None:
        self._body, self._environ, self._request = body, environ, request

    def __iter__(self) -> Iterator[bytes]:
        if self._body == b"":
            return
        try:
            yield from [self._body] if isinstance(self._body, bytes) else self._body
        except fault_injection.ResetRequested as requested:
            raise fault_injection.reset_connection(self._environ) from requested

    def close(self) -> None:
        if close := getattr(self._body, "close", None):
            close()
        if self._request is not None:
            self._request.body.drain(self._environ.get("localoss.socket"))


def wsgi_host(environ: dict[str, Any]) -> str:
    """The Host header, or "" without one."""
    return str(environ.get("HTTP_HOST", ""))
