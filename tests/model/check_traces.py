"""Traces of the protocol's model, replayed in the real services. `python -m tests.model` runs this.

`TRACES` names the directory of the traces.
"""

import os
from pathlib import Path

from tests.model.replay import Differs, Replay
from tests.model.traces import states
from tests.model.world import World


def test_the_services_do_what_the_model_does(world: World) -> None:
    traces, count, failed = sorted(Path(os.environ["TRACES"]).iterdir()), 0, []
    for path in traces:
        try:
            count += Replay(world).run(states(path))
        except Differs as error:
            failed.append(f"{path.name}: {error}")
        world.clean()
        world.clock.ahead *= 0
    print(f"{len(traces)} traces, {count} steps, {len(failed)} differ")
    assert traces
    assert not failed, "\n\n".join(failed[:3])
