"""`make hosts`: every host, or those named (`python -m tests.hosts rest newest`), and the table of results."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.hosts.catalogue import hosts
from tests.hosts.running import Matrix, Result


def main(names: Sequence[str]) -> int:
    chosen = [host for host in hosts() if not names or host.name in names]
    with tempfile.TemporaryDirectory(prefix="hosts-") as directory, Matrix(Path(directory)) as matrix:
        results = []
        for host in chosen:
            results.append(matrix.run(host))
            print(f"{results[-1].host}: {results[-1].outcome}\n{results[-1].output}", flush=True)
    print(f"\n{table(results)}")
    return int(any(result.failed for result in results) or not results)


def table(results: Sequence[Result]) -> str:
    """In Markdown."""
    lines = ["| host | Python | Django | result | seconds |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {each.host} | {each.python} | {each.django} | {each.outcome} | {each.seconds:.0f} |" for each in results
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
