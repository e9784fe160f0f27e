"""The tests of `uploads.domain` and `uploads.oss` run without Django."""

import subprocess
import sys

from tests.stack import ROOT

RUN = """
import sys
import pytest
code = pytest.main(["-c", "tests/pure.ini", "-q", "-m", "not hypothesis", "tests/domain", "tests/oss"])
print("imported:", sorted({name.partition(".")[0] for name in sys.modules} & {"django", "rest_framework"}))
sys.exit(code)
"""


def test_the_pure_tests_pass_and_import_no_framework() -> None:
    ended = subprocess.run([sys.executable, "-c", RUN], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.endswith("imported: []\n")
