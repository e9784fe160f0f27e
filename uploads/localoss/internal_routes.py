"""The server's internal routes, under `/-/`, which cannot be the name of a bucket.

Rule: only this machine can change the server, and only if the server was started with `--allow-faults`.
"""

import ipaddress
import json
from dataclasses import dataclass
from typing import Any

from uploads.localoss import faults, ram
from uploads.localoss.account_rules import AccountRules
from uploads.localoss.addressing import host_name
from uploads.localoss.answers import Answer
from uploads.localoss.callbacks import PUBLIC_KEY_PATH, CallbackClient
from uploads.localoss.config import Config
from uploads.localoss.faults import Faults
from uploads.localoss.keys import KeyRing
from uploads.localoss.request import Request

PREFIX = "-"


def is_internal(request: Request) -> bool:
    """Whether a request is for an internal route."""
    return request.address.in_path and request.bucket == PREFIX


@dataclass(frozen=True, slots=True)
class Switches:
    """What can be changed while the server runs."""

    faults: Faults
    account_rules: AccountRules
    keys: KeyRing


def answer(request: Request, config: Config, switches: Switches, callback_client: CallbackClient) -> Answer:
    """The response: the public key of callbacks, or as JSON the fault injection rules, the account rules or
    the RAM users."""
    if request.key == PUBLIC_KEY_PATH:
        return Answer(200, {"Content-Type": "application/x-pem-file"}, callback_client.public_key)
    if request.key not in ("faults", "account-rules", "ram"):
        return _json(404, {"error": "Not found."})
    if refusal := _check_caller(request, config):
        return _json(403, {"error": refusal})
    if request.method not in ("GET", "PUT", "DELETE"):
        return _json(405, {"error": "Use GET, PUT or DELETE."})
    if request.key == "faults":
        return _faults(request, switches.faults)
    if request.key == "ram":
        return _ram(request, config, switches.keys)
    return _account_rules(request, switches.account_rules)


def _check_caller(request: Request, config: Config) -> str:
    """Why the caller may not change the server; "" if it may."""
    if not config.allow_faults:
        return "Start the server with --allow-faults to change its rules."
    # Any web site can have a host name that resolves to this machine, so the Host header must be a loopback address.
    if not (
        _is_loopback(request.client)
        and (host_name(request.host) == "localhost" or _is_loopback(host_name(request.host)))
    ):
        return "Rules can be changed only from this machine."
    return ""


def _faults(request: Request, rules: Faults) -> Answer:
    if request.method == "PUT":
        try:
            rules.replace(faults.parse(request.body.whole(faults.MAX_JSON_BYTES)))
        except faults.InvalidRules as error:
            return _json(400, {"error": str(error)})
    elif request.method == "DELETE":
        rules.replace(())
    return _json(200, {"rules": rules.report()})


def _ram(request: Request, config: Config, keys: KeyRing) -> Answer:
    """PUT replaces the RAM users and roles; DELETE brings back those that the server was started with."""
    try:
        if request.method == "PUT":
            given = ram.parse(request.body.whole(ram.MAX_JSON_BYTES))
            keys.replace_ram(given.users, given.roles)
        elif request.method == "DELETE":
            keys.replace_ram(config.ram.users, config.ram.roles)
    except ram.InvalidRam as error:
        return _json(400, {"error": str(error)})
    return _json(200, {"users": keys.users, "roles": sorted(keys.roles)})


def _account_rules(request: Request, rules: AccountRules) -> Answer:
    try:
        if request.method == "PUT":
            rules.replace(json.loads(request.body.whole(faults.MAX_JSON_BYTES)))
        elif request.method == "DELETE":
            rules.replace({"rules": [], "endpoints": {}})
    except ValueError as error:
        return _json(400, {"error": str(error)})
    return _json(200, rules.report())


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _json(status: int, content: dict[str, Any]) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(content).encode())
