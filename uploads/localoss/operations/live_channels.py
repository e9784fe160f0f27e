"""Live channels, which record RTMP streams. No bucket here has any.

Rule: the list exists because clients ask for it when they empty a bucket. All other operations of live channels answer
NotImplemented.
"""

from uploads.localoss import markup
from uploads.localoss.answers import Answer, xml
from uploads.localoss.operations.context import Context

_DEFAULT_PAGE, _MAX_PAGE = 100, 1000


def list_live_channels(context: Context) -> Answer:
    """OSS manual: "ListLiveChannel". An empty page."""
    given = context.request.parameters.get
    limit = context.request.number("max-keys", _DEFAULT_PAGE, 1, _MAX_PAGE)
    asked: list[markup.Node] = [("Prefix", given("prefix", "")), ("Marker", given("marker", "")), ("MaxKeys", limit)]
    return xml("ListLiveChannelResult", [*asked, ("IsTruncated", "false")])
