"""The price of storage, as the settings name it, and what bytes cost by it. Rule: pure."""

import re
from dataclasses import dataclass
from decimal import Decimal

GB = 1024**3
"""Bytes of a GB in this estimate."""
_PRICE = re.compile(r"(\d+(?:\.\d+)?) +([A-Z]{3})", re.ASCII)


@dataclass(frozen=True, slots=True)
class StoragePrice:
    """Of one GB for one month. `currency`: three letters of ISO 4217."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def of(self, count: int) -> str:
        """What `count` bytes cost in a month, with the currency: "1.23 CNY", "< 0.01 CNY" or "0 CNY"."""
        cost = self.amount * count / GB
        if 0 < cost < Decimal("0.01"):
            return f"< 0.01 {self.currency}"
        return f"{cost:,.2f} {self.currency}" if cost else f"0 {self.currency}"


def storage_price(text: str) -> StoragePrice | None:
    """The price in a text such as "0.12 CNY"; None for an empty one. Raises ValueError."""
    if not text.strip():
        return None
    found = _PRICE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not an amount and a currency")
    return StoragePrice(Decimal(found[1]), found[2])
