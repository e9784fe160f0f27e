"""A filter for the `lang` attribute of HTML."""

from django import template
from django.utils.translation import to_locale

register = template.Library()


@register.filter
def language_tag(code: str) -> str:
    """Django's `zh-hans` as `zh-Hans`, the form that HTML uses (BCP 47)."""
    return to_locale(code).replace("_", "-")
