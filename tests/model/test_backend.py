"""The real services and the local OSS against the reference model, in random runs.

`MODEL_EXAMPLES` is the number of runs, `MODEL_STEPS` that of the rules in each. `make chaos` runs many on each
database. `MODEL_SHRINK=0` shows the first failure as it is, and after how many runs it came.
"""

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.meetings import Meetings
from tests.model.world import World

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", 0))
"""0: the few that `make test` runs, the same each time."""
SHRINK = os.environ.get("MODEL_SHRINK") != "0"
STEPS = int(os.environ.get("MODEL_STEPS", 25))


def test_every_run_ends_as_it_should(world: World) -> None:
    machine = type("Machine", (Meetings,), {"world": world})
    chosen = settings(
        max_examples=EXAMPLES or 12,
        stateful_step_count=STEPS,
        derandomize=not EXAMPLES,
        phases=[Phase.generate, *([Phase.shrink] if SHRINK else [])],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(machine, settings=chosen)
    finally:
        if not SHRINK:
            print(f"MODEL {machine.runs} runs")
