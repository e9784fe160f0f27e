"""python -m tests.bench [name]: runs the benchmarks, prints their figures, keeps them as JSON in var/bench/."""

import importlib
import json
import sys
from pathlib import Path

RESULTS = Path(__file__).parent.parent.parent / "var" / "bench"


def main() -> int:
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if "\ndef run()" in path.read_text())
    wanted = sys.argv[1:] or names
    if unknown := set(wanted) - set(names):
        print(f"No benchmark {', '.join(unknown)}; there are: {', '.join(names)}.", file=sys.stderr)
        return 2
    RESULTS.mkdir(parents=True, exist_ok=True)
    met = True
    for name in wanted:
        figures = importlib.import_module(f"tests.bench.{name}").run()
        (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n")
        print(f"\n{name}: {figures['title']}")
        for label, value in figures["figures"].items():
            print(f"  {label:<44} {value}")
        met &= figures["ratio"] >= figures["goal"]
        print(f"  {'ratio':<44} {figures['ratio']:.2f}   (goal: at least {figures['goal']})", flush=True)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
