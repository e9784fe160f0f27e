"""One statement about OSS."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.live.answers import Answer
from tests.live.expectations import Expected
from tests.live.scene import Scene

MANUAL = "https://www.alibabacloud.com/help/en/oss/developer-reference/"
EC_PAGES = "https://help.aliyun.com/en/oss/user-guide/"

SETTINGS = "bucket settings"
"""Replaces the bucket's rules for a while: only with OSS_LIVE_CHANGE_BUCKET_SETTINGS."""
ROLE = "role"
"""Needs OSS_LIVE_ROLE_ARN and OSS_LIVE_STS_ENDPOINT."""
PRIVATE = "private bucket"
"""Says something about buckets whose ACL is private."""
OTHER_BUCKETS = "endpoint of the region"
"""Names another bucket, which an endpoint of one bucket (CNAME) cannot."""


@dataclass(frozen=True, slots=True)
class Statement:
    """`act` prepares what it needs and returns the answer that is judged. Any of `expected` fulfils the statement.

    `page` is the vendor's page. `varies` says why accounts differ here; such an answer is recorded, but not compared.
    """

    name: str
    page: str
    act: Callable[[Scene], Answer]
    expected: tuple[Expected, ...]
    needs: frozenset[str] = field(default_factory=frozenset)
    varies: str = ""


class Topic:
    """The statements of one module, each under a name of its own."""

    def __init__(self, name: str, page: str, *needs: str, varies: str = "") -> None:
        """`page` is the last part of the URL in the vendor's manual, or a whole URL."""
        self.name, self.page, self.needs, self.varies = name, page, frozenset(needs), varies
        self.statements: list[Statement] = []

    def __call__(
        self, name: str, act: Callable[[Scene], Answer], *expected: Expected, page: str = "", needs: str = "",
        varies: str = "",
    ) -> None:  # fmt: skip
        """Add a statement. `name` is the sentence, in words joined by hyphens."""
        chosen = page or self.page
        url = chosen if "://" in chosen else MANUAL + chosen
        wanted = self.needs | {needs} if needs else self.needs
        self.statements.append(Statement(f"{self.name}/{name}", url, act, expected, wanted, varies or self.varies))
