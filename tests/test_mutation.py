"""What `make mutation` says of the changes that it tried, and the lists of those that no test notices."""

from pathlib import Path

import pytest

from tests.mutation.by_hand import CHANGES, ByHand
from tests.mutation.changes import MAX_CHARACTERS, Change, listed, report, shortened

ROOT = Path(__file__).parents[1]
LISTS = sorted((ROOT / "tests" / "mutation" / "survivors").glob("*.txt"))


def change(before: str, after: str = "b", *, is_noticed: bool = False) -> Change:
    return Change("states", "uploads/a.py", before, after, is_noticed)


NOTICED = [change(f"line {number}", is_noticed=True) for number in range(20)]


@pytest.fixture
def survivors(tmp_path: Path) -> Path:
    path = tmp_path / "python.txt"
    path.write_text("# Both mean the same.\nuploads/a.py\n- x = 1\n+ x = 2\n")
    return path


def test_a_survivor_with_a_reason_is_no_failure(survivors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report([*NOTICED, change("x = 1", "x = 2")], [survivors])
    (line,) = capsys.readouterr().out.splitlines()
    assert line.split() == ["states", "20", "noticed", "1", "missed", "1", "listed", "95.2%"]


def test_a_survivor_that_is_not_listed_is_shown(survivors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twice = [change("x = 1", "x = 2")] * 2
    assert not report([*NOTICED, *twice], [survivors])
    assert "No test notices, and no list has:\n\nuploads/a.py\n- x = 1\n+ x = 2\n" in capsys.readouterr().out


def test_a_listed_change_that_is_noticed_is_shown(survivors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report([*NOTICED, change("x = 1", "x = 2", is_noticed=True)], [survivors])
    assert "Listed, and noticed by a test, or not tried any more:\n\nuploads/a.py\n" in capsys.readouterr().out


def test_an_area_below_the_goal_fails_though_all_is_listed(survivors: Path) -> None:
    assert not report([*NOTICED[:5], change("x = 1", "x = 2")], [survivors])
    assert not report([], [survivors])


def test_a_list_gives_a_reason_for_each(tmp_path: Path) -> None:
    path = tmp_path / "python.txt"
    path.write_text("uploads/a.py\n- x = 1\n+ x = 2\n")
    with pytest.raises(ValueError, match=r"python\.txt: no reason"):
        listed(path)


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_what_is_listed_is_in_the_code(path: Path) -> None:
    for file, before, _ in listed(path):
        code = " ".join((ROOT / file).read_text().split())
        for piece in before.split(" … "):
            assert piece in code, f"{file}: {piece}"


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_what_is_changed_by_hand_stands_once_in_the_code(change: ByHand) -> None:
    assert (ROOT / change.file).read_text().count(change.before) == 1
    root = ROOT / "frontend" if change.tests.endswith(".ts") else ROOT
    assert (root / change.tests).is_file()


def test_code_is_shown_in_one_line() -> None:
    assert shortened("if a:\n    return  b") == "if a: return b"
    long = shortened("a" * 100 + "b" * 100)
    assert len(long) <= MAX_CHARACTERS
    assert long == "a" * 100 + " … " + "b" * 50
