"""The accounts in the site's admin: without what lets staff act as another user.

Rule: this is the site's own admin. The app changes nothing in the admin of a project that it is a guest of.
"""

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib.admin import AdminSite
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest

from uploads.admin.lookups import OfferedLookups

if TYPE_CHECKING:
    # Django's classes are generic in its stubs only.
    DjangoUserAdmin = UserAdmin[User]
else:
    DjangoUserAdmin = UserAdmin


class AccountAdmin(OfferedLookups, DjangoUserAdmin):
    """Django's, of which no page and no lookup tells a token."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The page that asks before it deletes accounts names what goes with them, and a token's name is its key."""
        found, *others = super().get_deleted_objects(objs, request)
        tokens = apps.get_model("authtoken", "Token")._default_manager.filter(user__in=objs)
        keys = set(tokens.values_list("key", flat=True))
        return _without(found, keys), *others


class OwnGroupAdmin(OfferedLookups, GroupAdmin):
    """Django's, of which the list is filtered as others are."""


def _without(entry: Any, keys: set[str]) -> Any:
    """The nested lists of texts as they are, but of a token only what it is."""
    if isinstance(entry, (list, tuple)):
        return [_without(each, keys) for each in entry]
    what, _, name = entry.rpartition(": ")
    return what if name in keys else entry


def keep_tokens_from_staff(site: AdminSite) -> None:
    """Take the tokens out of this admin, and show the accounts without them."""
    shown_by_default = apps.get_model("authtoken", "TokenProxy")
    if site.is_registered(shown_by_default):
        site.unregister(shown_by_default)
        site.unregister(User)
        site.register(User, AccountAdmin)
        site.unregister(Group)
        site.register(Group, OwnGroupAdmin)
