"""A row of the table of OSS's error codes."""

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Who must act so that the request succeeds."""

    PAGE = "page"
    """The request, or the network that it came through: the page or program that sent it."""
    SITE = "site"
    """The configuration of the site: its settings, its keys and policies, the rules of its bucket."""
    ACCOUNT = "account"
    """The Alibaba Cloud account: payment, services that are not enabled, limits."""
    OSS = "oss"
    """OSS or STS itself: load, or a failure there."""


MANUAL = "https://www.alibabacloud.com/help/en/oss"
BY_STATUS = {
    400: f"{MANUAL}/support/http-400-status-code",
    403: f"{MANUAL}/user-guide/http-403-error-code",
    409: f"{MANUAL}/user-guide/http-status-code-409",
}
"""The manual's pages that list the codes of one status, with causes and solutions."""
OVERVIEW = "https://help.aliyun.com/en/oss/user-guide/overview-14"
"""Manual, "Error responses"."""
ASSUME_ROLE = "https://www.alibabacloud.com/help/en/ram/api-assumerole"
"""Manual of STS, "AssumeRole"."""


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """An error of OSS or STS.

    `message` is OSS's usual text, in which words differ between sources. `cure` says in English what to do;
    `python -m tests.catalogue` collects it for translation.
    """

    code: str
    status: int
    message: str
    fault: Fault
    cure: str
    ec: str = ""
    """OSS's EC of this cause. Empty where it is not known, or where the code has several."""
    repeat: bool = False
    """Whether the same request may succeed later."""
    page: str = ""

    @property
    def link(self) -> str:
        """The vendor's page: that of the EC, or that of the status."""
        if self.page:
            return self.page
        if self.ec:
            return f"https://help.aliyun.com/en/oss/user-guide/{self.ec}"
        return BY_STATUS.get(self.status, OVERVIEW)


def gettext_noop(text: str) -> str:
    """The text itself. The name marks it for `python -m tests.catalogue`, as Django's function does, without Django."""
    return text
