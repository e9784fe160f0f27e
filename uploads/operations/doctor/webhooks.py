"""Checks of the receivers of webhooks: each gets a message for tests, signed as every message is."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace

from django.utils import timezone

from uploads.conf import settings
from uploads.domain.webhooks import Endpoint
from uploads.models.webhooks import new_message_id
from uploads.operations.doctor.finding import Finding
from uploads.outbound import Answer, NotReached, NotTrusted, PrivateAddress, send
from uploads.services.webhooks import outgoing

TEST_EVENT = "webhook.test"
TOLERATED_SECONDS = 300
"""By which receivers let the time of a message differ from theirs, as the specification advises."""
GONE = 410


def check_webhooks() -> Iterator[Finding]:
    """Nothing without receivers."""
    for endpoint in settings.webhooks.values():
        yield _check(endpoint)


def _check(endpoint: Endpoint) -> Finding:
    name = f"webhook {endpoint.name}"
    try:
        answer = _send(endpoint)
    except PrivateAddress as error:
        cure = "Correct its url in UPLOADS_WEBHOOKS; or set its allow_private, if an address of your network is meant."
        return Finding("FAIL", name, f"is not called: {error}", cure)
    except NotTrusted as error:
        cure = (
            "Give the receiver a certificate of a public authority for this name, with the intermediate certificates."
        )
        return Finding("FAIL", name, f"has no certificate that is accepted: {error}", cure)
    except NotReached as error:
        cure = "Check its url in UPLOADS_WEBHOOKS, that the receiver runs, and that this machine reaches it."
        return Finding("FAIL", name, f"does not answer: {error}", cure)
    if not 200 <= answer.status < 300:
        return _refused(endpoint, answer)
    if _accepts_forged(endpoint):
        text = f"answers {answer.status} also to a message with a wrong signature: anybody can send it messages"
        return Finding("warn", name, text, "Let the receiver verify the signature: docs/webhooks.md has the code.")
    return Finding("ok", name, f"answers {answer.status} to a signed message")


def _send(endpoint: Endpoint) -> Answer:
    now = timezone.now()
    body = {"type": TEST_EVENT, "timestamp": now.isoformat().replace("+00:00", "Z"), "data": {}}
    return send(outgoing(endpoint, new_message_id(), json.dumps(body), now))


def _accepts_forged(endpoint: Endpoint) -> bool:
    try:
        answer = _send(replace(endpoint, secrets=(secrets.token_bytes(32),)))
    except NotReached:
        return False
    return 200 <= answer.status < 300


def _refused(endpoint: Endpoint, answer: Answer) -> Finding:
    """What to do about an answer that is no 2xx."""
    name, date, status = f"webhook {endpoint.name}", answer.date(), answer.status
    apart = abs((timezone.now() - date).total_seconds()) if date else 0
    if 300 <= status < 400:
        text = f"answers {status} to a signed message: redirects are not followed"
        return Finding("FAIL", name, text, "Set its url in UPLOADS_WEBHOOKS to the address that it redirects to.")
    if status in (404, 405):
        cure = "Check its url in UPLOADS_WEBHOOKS, and that the receiver accepts POST there."
        return Finding("FAIL", name, f"answers {status}: nothing receives messages there", cure)
    if status == GONE:
        cure = "Remove it from UPLOADS_WEBHOOKS, or let the receiver answer 2xx: each message to it ends at once."
        return Finding("FAIL", name, f"answers {status}: it wants no messages", cure)
    if status >= 500 or status == 429:
        cure = "See the receiver's log. Messages are repeated for a day, then they are dead letters in the admin."
        return Finding("FAIL", name, f"answers {status}: it fails, or is busy", cure)
    if apart > TOLERATED_SECONDS:
        text = f"answers {status} to a signed message, and its clock differs from this machine's by {apart:.0f} seconds"
        return Finding("FAIL", name, text, "Let NTP set both clocks: receivers refuse messages that seem old.")
    cure = (
        "Give the receiver the secret of UPLOADS_WEBHOOKS. It must verify the body as it arrived, and answer 2xx "
        "also to a type of message that it does not know."
    )
    return Finding("FAIL", name, f"answers {status} to a signed message", cure)
