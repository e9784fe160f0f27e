"""The world that the runs of the model share: one local OSS server, one application that OSS calls, two users."""

from collections.abc import Iterator
from typing import Any

import pytest
import stamina
from django.contrib.auth import get_user_model
from django.core.cache import cache

from tests.callback_app import CallbackApp
from tests.model.steps import stepwise
from tests.model.world import DESTINATION, World
from tests.stack import client_for
from uploads.localoss.testing import LocalServer


@pytest.fixture
def world(transactional_db: None, settings: Any) -> Iterator[World]:
    with (
        LocalServer(arguments=["--allow-faults"]) as server,
        CallbackApp() as app,
        client_for(server) as oss,
        stamina.set_testing(True, attempts=4, cap=True),
    ):
        destination = {**DESTINATION, "callback": {"url": app.url}}
        settings.UPLOADS = {
            **settings.UPLOADS,
            "OSS_ENDPOINT": server.url,
            "OSS_CALLBACK_KEY_URLS": [f"{server.url}/-/"],
            "DESTINATIONS": {"model": destination},
        }
        cache.clear()
        users = get_user_model().objects
        world = World(server, oss, app, users.create_user("ann"), users.create_superuser("root"))
        with world.clock.running(), stepwise():
            yield world
