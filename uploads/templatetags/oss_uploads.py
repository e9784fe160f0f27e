"""Tags for templates with `<oss-uploader>`."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from uploads.csrf import header_name
from uploads.domain.sizes import readable

register = template.Library()


@register.simple_tag(takes_context=True)
def uploads_csrf(context: Any) -> SafeString:
    """The attributes that give `<oss-uploader>` the page's CSRF token and the name of its header.

    {% load oss_uploads %}<oss-uploader {% uploads_csrf %}></oss-uploader>
    """
    return format_html('csrf-token="{}" csrf-header="{}"', context.get("csrf_token", ""), header_name())


@register.filter
def readable_size(count: int) -> str:
    """Bytes in a unit that is easy to read, as everywhere in the app: 1 MB is 1,000,000 bytes."""
    return readable(count).translated(gettext)
