"""The answers and refusals of STS, in XML or JSON."""

import json
from collections.abc import Mapping

from uploads.localoss import markup
from uploads.localoss.answers import Answer
from uploads.localoss.errors import Refusal
from uploads.localoss.request import Request


class StsRefusal(Exception):
    """An error response of STS (STS manual: "AssumeRole", error codes)."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message
        super().__init__(code)


def missing(name: str) -> StsRefusal:
    return StsRefusal(400, f"Missing{name}", f"{name} is mandatory for this action.")


def invalid(name: str, message: str) -> StsRefusal:
    return StsRefusal(400, f"InvalidParameter.{name}", message)


def no_permission() -> StsRefusal:
    return StsRefusal(403, "NoPermission", "You are not authorized to do this action. You should be authorized by RAM.")


def injected(refusal: Refusal, request: Request) -> Answer:
    """An injected error as STS answers it, in JSON."""
    return refused(StsRefusal(refusal.status, refusal.code, refusal.message), request.id, request.host, True)


def refused(refusal: StsRefusal, identifier: str, host: str, wants_json: bool) -> Answer:
    content = {
        "RequestId": identifier,
        "HostId": host,
        "Code": refusal.code,
        "Message": refusal.message,
        "Recommend": f"https://api.aliyun.com/troubleshoot?q={refusal.code}&product=Sts",
    }
    return document(refusal.status, "Error", content, wants_json)


def document(status: int, root: str, content: Mapping[str, str | Mapping[str, str]], wants_json: bool) -> Answer:
    if wants_json:
        return Answer(status, {"Content-Type": "application/json;charset=utf-8"}, json.dumps(content).encode())
    nodes: list[markup.Node] = [
        (name, value if isinstance(value, str) else list(value.items())) for name, value in content.items()
    ]
    return Answer(status, {"Content-Type": "text/xml;charset=utf-8"}, markup.document(root, nodes))
