"""Every pair of requests at once, on PostgreSQL: real views and services, real connections, the real local OSS.

RACE_ROUNDS is the number of rounds for each pair: one by default, a thousand in `make chaos`. RACE_FIRST is the number
of the first, so that a thousand may be run in several times.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations_with_replacement
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import connection

from tests.callback_app import CallbackApp, answer
from tests.races.meeting import Meeting, Racers
from tests.races.operations import CREATING, NAMES, CallbackKey, Operation, operations
from tests.races.oracle import Told, violations
from tests.races.rounds import LIMITS, SITUATIONS, Round, destinations
from uploads import signals
from uploads.conf import DEFAULT_THROTTLES
from uploads.models import Upload
from uploads.oss.client import OssClient

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="many writers at once, on PostgreSQL"),
    pytest.mark.django_db(transaction=True),
]
SIGNALS = {
    "begin": signals.upload_created,
    "finish": signals.upload_completed,
    "abort": signals.upload_aborted,
    "fail": signals.upload_failed,
}

ROUNDS = int(os.environ.get("RACE_ROUNDS") or 1)
FIRST = int(os.environ.get("RACE_FIRST") or 0)
LAST_POINT = 6
"""An operation has up to about so many statements about uploads outside of transactions."""
PAIRS = list(combinations_with_replacement(NAMES, 2))


@dataclass
class Arena:
    """What all pairs of this process share. `heard`: how often each signal was sent, by upload."""

    oss: OssClient
    racers: Racers
    operations: dict[str, Operation]
    heard: Counter[tuple[UUID, str]] = field(default_factory=Counter)


@pytest.fixture
def arena(oss: OssClient, settings: Any) -> Iterator[Arena]:
    key = rsa.generate_private_key(65537, 1024)
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with CallbackApp(answer(body=pem)) as keys, CallbackApp() as site, Racers(2) as racers:
        settings.UPLOADS = {
            **settings.UPLOADS,
            "OSS_CALLBACK_KEY_URLS": [f"http://127.0.0.1:{keys.port}/"],
            "DESTINATIONS": destinations(site.url),
            "THROTTLES": dict.fromkeys(DEFAULT_THROTTLES, ""),
        }
        arena = Arena(oss, racers, operations(CallbackKey(key, keys.url)))
        receivers = {signal: partial(_hear, arena.heard, name) for name, signal in SIGNALS.items()}
        for signal, receiver in receivers.items():
            signal.connect(receiver)
        yield arena
        for signal, receiver in receivers.items():
            signal.disconnect(receiver)


def _hear(heard: Counter[tuple[UUID, str]], name: str, upload: Upload, **_: Any) -> None:
    heard[upload.pk, name] += 1


def one_round(arena: Arena, pair: tuple[str, str], number: int) -> tuple[list[str], Meeting]:
    """What was wrong, and how the racers met. In the first rounds they meet after their first look at the upload."""
    index = PAIRS.index(pair) + number
    round = Round(
        arena.oss, SITUATIONS[index % len(SITUATIONS)], list(LIMITS)[index // len(SITUATIONS) % len(LIMITS)],
        begun=not CREATING.issuperset(pair),
    ).prepare()  # fmt: skip
    chance = random.Random(f"{pair} {number}")
    points = [1, 1] if number < len(SITUATIONS) else [chance.randint(1, LAST_POINT) for _ in pair]
    meeting = Meeting(points)
    arena.heard.clear()
    if round.upload is not None:
        arena.heard[round.upload.pk, "begin"] += 1
    answers = arena.racers.race([partial(arena.operations[name], round, i) for i, name in enumerate(pair)], meeting)
    told = [Told(name, each) for name, each in zip(pair, answers, strict=True)]
    wrong = violations(round, told, arena.heard)
    round.clear()
    where = f"round {number}, {round.situation}, {round.limit}, points {points}, {[str(each) for each in told]}"
    return [f"{sentence} ({where})" for sentence in wrong], meeting


@pytest.mark.parametrize("first", NAMES)
def test_two_at_once(arena: Arena, first: str) -> None:
    """Together with each of the others, and with itself."""
    wrong, apart = [], []
    for pair in (pair for pair in PAIRS if pair[0] == first):
        overlapped = met = violated = 0
        for number in range(FIRST, FIRST + ROUNDS):
            found, meeting = one_round(arena, pair, number)
            wrong += found
            violated += bool(found)
            overlapped += meeting.overlapped
            met += meeting.met
        print(f"RACE {' and '.join(pair)}: {ROUNDS} rounds, {overlapped} overlapped, {met} held, {violated} wrong")
        apart += [] if overlapped else [pair]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)
    assert apart == [], "the two were never at the uploads at the same time"
