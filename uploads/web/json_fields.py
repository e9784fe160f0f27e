"""Fields of JSON bodies that take no value of another type.

Django REST framework also serves forms, where every value is a text: its own fields take 5 for a text, and "5" and
"yes" for a number and a boolean. The OpenAPI schema of the app says otherwise, and clients are made from it.
"""

from typing import Any

from rest_framework import serializers


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
