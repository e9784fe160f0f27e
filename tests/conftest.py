"""What every test run does first. Nothing here imports Django: `tests/domain` and `tests/oss` run without it.

The fixtures that need Django are in `tests/django_fixtures.py`. The plugin `uploads.pytest_plugin` provides
`oss_server`, a real local OSS server for the whole run.
"""

import signal
from types import FrameType

import pytest
from hypothesis import HealthCheck, settings

from tests.watchdog import watched

# An example takes as long as a busy machine lets it take.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    if config.pluginmanager.hasplugin("django"):
        config.pluginmanager.import_plugin("tests.django_fixtures")
        signal.signal(signal.SIGTERM, end_run)
        watch = watched()
        watch.__enter__()
        config.add_cleanup(lambda: watch.__exit__(None, None, None))


def end_run(number: int, _frame: FrameType | None) -> None:
    """Ends the run as Ctrl-C does: fixtures are torn down. A second signal kills it."""
    signal.signal(number, signal.SIG_DFL)
    pytest.exit("ended by SIGTERM", returncode=128 + number)
