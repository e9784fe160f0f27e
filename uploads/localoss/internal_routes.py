"""The server's own pages, under `/-/`: no bucket can have that name.

Rule: what changes the server is for the machine that it runs on alone, and only if it was started so.
"""

import ipaddress
import json
from typing import Any

from uploads.localoss import faults
from uploads.localoss.addressing import host_name
from uploads.localoss.answers import Answer
from uploads.localoss.callbacks import KEY_PAGE, Caller
from uploads.localoss.config import Config
from uploads.localoss.request import Request

BUCKET = "-"


def is_own(request: Request) -> bool:
    return request.address.in_path and request.bucket == BUCKET


def answer(request: Request, config: Config, rules: faults.Faults, caller: Caller) -> Answer:
    """The page that was asked for."""
    if request.key == KEY_PAGE:
        return Answer(200, {"Content-Type": "application/x-pem-file"}, caller.public_key)
    if request.key == "faults":
        return _faults(request, config, rules)
    return _json(404, {"error": "There is no such page."})


def _faults(request: Request, config: Config, rules: faults.Faults) -> Answer:
    if not config.allow_faults:
        return _json(403, {"error": "Start the server with --allow-faults to set faults."})
    # A name that resolves to this machine could be any web site's: only what every site cannot claim is trusted.
    if not (
        _is_loopback(request.client)
        and (host_name(request.host) == "localhost" or _is_loopback(host_name(request.host)))
    ):
        return _json(403, {"error": "Faults are set from the machine itself."})
    if request.method == "PUT":
        try:
            rules.replace(faults.parse(request.body.whole(faults.MAX_JSON_BYTES)))
        except faults.BadRules as error:
            return _json(400, {"error": str(error)})
    elif request.method == "DELETE":
        rules.replace(())
    elif request.method != "GET":
        return _json(405, {"error": "GET, PUT or DELETE."})
    return _json(200, {"rules": rules.report()})


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _json(status: int, content: dict[str, Any]) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(content).encode())
