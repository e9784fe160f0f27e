"""The server's internal routes, under `/-/`, which cannot be the name of a bucket.

Rule: only this machine can change the server, and only if the server was started with `--allow-faults`.
"""

import ipaddress
import json
from typing import Any

from uploads.localoss import faults, ram
from uploads.localoss.addressing import host_name
from uploads.localoss.answers import Answer
from uploads.localoss.callbacks import PUBLIC_KEY_PATH, CallbackClient
from uploads.localoss.config import Config
from uploads.localoss.keys import KeyRing
from uploads.localoss.request import Request

PREFIX = "-"


def is_internal(request: Request) -> bool:
    """Whether a request is for an internal route."""
    return request.address.in_path and request.bucket == PREFIX


def answer(
    request: Request, config: Config, rules: faults.Faults, callback_client: CallbackClient, keys: KeyRing
) -> Answer:
    """The response: the public key of callbacks, the fault injection rules as JSON, or what was set for RAM."""
    if request.key == PUBLIC_KEY_PATH:
        return Answer(200, {"Content-Type": "application/x-pem-file"}, callback_client.public_key)
    if request.key not in ("faults", "ram"):
        return _json(404, {"error": "Not found."})
    return _refusal(request, config) or (
        _faults(request, rules) if request.key == "faults" else _ram(request, config, keys)
    )


def _refusal(request: Request, config: Config) -> Answer | None:
    """The response to somebody who may not change the server."""
    if not config.allow_faults:
        return _json(403, {"error": "Start the server with --allow-faults to set faults."})
    # Any web site can have a host name that resolves to this machine, so the Host header must be a loopback address.
    if not (
        _is_loopback(request.client)
        and (host_name(request.host) == "localhost" or _is_loopback(host_name(request.host)))
    ):
        return _json(403, {"error": "Faults can be set only from this machine."})
    return None


def _ram(request: Request, config: Config, keys: KeyRing) -> Answer:
    """PUT replaces the RAM users and roles; DELETE brings back those that the server was started with."""
    if request.method == "PUT":
        try:
            given = ram.parse(request.body.whole(ram.MAX_JSON_BYTES))
        except ram.InvalidRam as error:
            return _json(400, {"error": str(error)})
    elif request.method == "DELETE":
        given = config.ram
    else:
        return _json(405, {"error": "Use PUT or DELETE."})
    keys.replace_ram(given.users, given.roles)
    return _json(200, {"users": [key.user for key in given.users], "roles": [role.arn for role in given.roles]})


def _faults(request: Request, rules: faults.Faults) -> Answer:
    if request.method == "PUT":
        try:
            rules.replace(faults.parse(request.body.whole(faults.MAX_JSON_BYTES)))
        except faults.InvalidRules as error:
            return _json(400, {"error": str(error)})
    elif request.method == "DELETE":
        rules.replace(())
    elif request.method != "GET":
        return _json(405, {"error": "Use GET, PUT or DELETE."})
    return _json(200, {"rules": rules.report()})


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _json(status: int, content: dict[str, Any]) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(content).encode())
