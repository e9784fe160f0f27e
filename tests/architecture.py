"""The picture in docs/architecture.md: `python -m tests.architecture` makes it from the imports and writes it there."""

from tests.imports import ROOT, Graph, module_graph, modules, room_graph

PAGE = ROOT / "docs" / "architecture.md"
BEGIN = "<!-- begin of the picture: python -m tests.architecture -->\n"
END = "<!-- end of the picture -->\n"

GROUPS = {
    "api, companion": {"api", "companion", "urls"},
    "settings and connection": {"apps", "checks", "conf", "connection", "objects", "signals", "telemetry"},
    "forms, storage, pytest plugin": {"forms", "pytest_plugin", "storage"},
}
"""Parts that are drawn as one box. Each other part has a box of its own."""


def picture() -> str:
    """The parts of the app and who uses whom, as a Mermaid flowchart."""
    boxes = reduced(grouped(room_graph(module_graph(modules()))))
    lines = ["```mermaid", "flowchart TD"]
    lines += [f"    {identifier(name)}[{name}]" for name in sorted(boxes)]
    lines += [
        f"    {identifier(name)} --> {identifier(other)}" for name in sorted(boxes) for other in sorted(boxes[name])
    ]
    return "\n".join([*lines, "```", ""])


def grouped(graph: Graph) -> Graph:
    """The graph between boxes."""
    box = {part: name for name, parts in GROUPS.items() for part in parts}
    boxes: Graph = {}
    for part, used in graph.items():
        name = box.get(part, part)
        boxes.setdefault(name, set()).update({box.get(other, other) for other in used} - {name})
    return boxes


def reduced(graph: Graph) -> Graph:
    """Without the arrows that follow from others: `a → c` where `a → b → c`."""
    return {
        name: {other for other in used if not any(other in reached(graph, via, name) for via in used - {other})}
        for name, used in graph.items()
    }


def reached(graph: Graph, start: str, without: str) -> set[str]:
    """Everything that `start` uses, directly or not, on ways that avoid `without`."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for name in graph[waiting.pop()] - found - {without}:
            found.add(name)
            waiting.append(name)
    return found


def identifier(name: str) -> str:
    return name.replace(",", "").replace(" ", "_")


def page() -> str:
    """docs/architecture.md with a new picture."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{picture()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page())
