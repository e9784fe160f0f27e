"""Tags of the admin's list of uploads: Django's own, with templates of the app.

Django looks for such templates under the app's label, which a project can change.
"""

from typing import Any

from django import template
from django.contrib.admin.templatetags import admin_list
from django.contrib.admin.views.main import ChangeList
from django.template import RequestContext

register = template.Library()


@register.inclusion_tag("oss_uploads/admin/pagination.html")
def uploads_pagination(cl: ChangeList) -> dict[str, Any]:
    """The pages, with a count that may be an estimate."""
    given: dict[str, Any] = admin_list.pagination(cl)
    return given


@register.inclusion_tag("oss_uploads/admin/actions.html", takes_context=True)
def uploads_actions(context: RequestContext) -> RequestContext:
    """The actions; those on all results only where all are counted."""
    given: RequestContext = admin_list.admin_actions(context)
    return given
