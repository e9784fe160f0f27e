"""Every statement about OSS, judged on the local OSS."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.live import session, target
from tests.live.answers import Recorded
from tests.live.scene import Usage
from tests.live.session import Session
from tests.live.statement import Statement
from tests.live.topics import STATEMENTS
from tests.localoss import assume_role
from uploads.localoss.testing import LocalServer


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.name)
def test_the_local_oss_answers_as_stated(live: Session, statement: Statement) -> None:
    outcome = live.judge(statement)
    assert not outcome.skipped
    assert outcome.problems == ()


def test_there_are_enough_each_with_its_name_and_page() -> None:
    assert len(STATEMENTS) >= 150
    assert max(Counter(statement.name for statement in STATEMENTS).values()) == 1
    assert all(
        statement.page.startswith(("https://www.alibabacloud.com/help/en/", "https://help.aliyun.com/en/"))
        for statement in STATEMENTS
    )


def test_no_statement_is_fulfilled_by_another_answer() -> None:
    """An answer that says nothing but its status, which is the right one."""
    for statement in STATEMENTS:
        for expected in statement.expected:
            assert expected.problems(Recorded("", expected.status))
            assert expected.problems(Recorded("", 599))


def test_a_cent_pays_for_all(live: Session) -> None:
    before = Usage(**vars(live.usage))
    for statement in STATEMENTS[:: len(STATEMENTS) // 20]:
        live.judge(statement)
    spent = Usage(**{name: value - getattr(before, name) for name, value in vars(live.usage).items()})
    assert 20 * session.dollars(spent) < 0.01


def test_the_documented_policy_is_enough(oss_server: LocalServer, tmp_path: Path) -> None:
    """With temporary credentials that have this policy and no more."""
    page = (Path(__file__).parents[2] / "docs" / "live.md").read_text()
    (policy,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    compact = json.dumps(json.loads(policy.replace("your-bucket", oss_server.bucket)), separators=(",", ":"))
    narrowed = assume_role.issue(oss_server, compact)
    place = replace(target.local(oss_server), credentials=narrowed, role_arn="", sts="")
    with session.opened(place, tmp_path) as opened:
        outcomes = [opened.judge(statement) for statement in STATEMENTS[::3]]
    assert [(outcome.name, outcome.problems) for outcome in outcomes if outcome.problems] == []
    assert opened.wrong == []
