"""Fields of JSON bodies that take no value of another type.

Django REST framework also serves forms, where every value is a text: its own fields take 5 for a text, and "5" and
"yes" for a number and a boolean. The OpenAPI schema of the app says otherwise, and clients are made from it. They also
validate every entry of a list or an object before they count them, and tell what is wrong with each.

Rule: an answer about a wrong request is not larger than the request, and costs no more than reading it.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.translation import gettext_lazy
from rest_framework import serializers

MAX_WRONG = 10
"""Wrong entries that a problem names, of one list or one object."""
MAX_NAME = 64
"""Characters of a name in a problem."""


def shown_name(name: str) -> str:
    """A client's name as a problem quotes it. Half a character, which JSON allows, cannot be part of an answer."""
    return name[:MAX_NAME].encode(errors="backslashreplace").decode()


def validated(entries: Iterable[tuple[Any, Any]], validate: Callable[[Any], Any]) -> dict[Any, Any]:
    """Name → what `validate` returns for the value. Raises ValidationError with the first wrong entries, by name."""
    found, errors = {}, {}
    for name, value in entries:
        try:
            found[name] = validate(value)
        except serializers.ValidationError as error:
            errors[shown_name(name) if isinstance(name, str) else name] = error.detail
            if len(errors) == MAX_WRONG:
                break
    if errors:
        raise serializers.ValidationError(errors)
    return found


class TextField(serializers.CharField):
    """A JSON string."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text: str = super().to_internal_value(data)
        return text


class NumberField(serializers.IntegerField):
    """A JSON number without a fraction."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, (str, bool)):
            self.fail("invalid")
        number: int = super().to_internal_value(data)
        return number


class FlagField(serializers.BooleanField):
    """true or false."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class BoundedListField(serializers.ListField):
    """A JSON array. One with too many items is refused before any of them is validated."""

    def run_child_validation(self, data: Any) -> list[Any]:
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return list(validated(enumerate(data), self.validate_item).values())

    def validate_item(self, item: Any) -> Any:
        """The value of one item. Raises ValidationError."""
        child: Any = self.child
        return child.run_validation(item)


class BoundedDictField(serializers.DictField):
    """A JSON object of at most `max_entries`. One with more is refused before any of them is validated."""

    default_error_messages = {"max_entries": gettext_lazy("This object may have at most {most} entries.")}

    def __init__(self, *, max_entries: int, **kwargs: Any) -> None:
        self.max_entries = max_entries
        super().__init__(**kwargs)

    def run_child_validation(self, data: Any) -> dict[str, Any]:
        if len(data) > self.max_entries:
            self.fail("max_entries", most=self.max_entries)
        child: Any = self.child
        return validated(data.items(), child.run_validation)
