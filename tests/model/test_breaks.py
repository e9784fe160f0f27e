"""The table of breaks fits the services. `tests.model.check_breaks` tries them."""

import pytest

from tests.model.breaks import BREAKS, Break
from tests.stack import ROOT


@pytest.mark.parametrize("broken", BREAKS, ids=[broken.name for broken in BREAKS])
def test_the_text_is_where_the_table_says(broken: Break) -> None:
    source = (ROOT / "uploads" / broken.file).read_text()
    assert source.count(broken.before) == 1
    compile(source.replace(broken.before, broken.after), broken.file, "exec")
