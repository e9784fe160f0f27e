"""The page's language, as HTML names it."""

from django import template
from django.utils.translation import to_locale

register = template.Library()


@register.filter
def language_tag(code: str) -> str:
    """Django's `zh-hans` as `zh-Hans`, the way browsers and screen readers write it."""
    return to_locale(code).replace("_", "-")
