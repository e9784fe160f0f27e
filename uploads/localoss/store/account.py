"""The settings of the account that owns the buckets.

Rule: the server has one account.
"""

from uploads.localoss.store.index import Index

_BLOCK_PUBLIC_ACCESS = "block_public_access"


class Account:
    """Reads and writes the account's settings."""

    def __init__(self, index: Index) -> None:
        self._index = index

    @property
    def block_public_access(self) -> bool | None:
        """Whether Block Public Access is on for the account; None if it was never set or is deleted."""
        query = "SELECT value FROM account WHERE name = ?"
        row = self._index.connection.execute(query, (_BLOCK_PUBLIC_ACCESS,)).fetchone()
        return row[0] == "true" if row else None

    def set_block_public_access(self, value: bool | None) -> None:
        """Set or, with None, delete the setting."""
        with self._index.write() as connection:
            connection.execute("DELETE FROM account WHERE name = ?", (_BLOCK_PUBLIC_ACCESS,))
            if value is not None:
                text = "true" if value else "false"
                connection.execute("INSERT INTO account VALUES (?, ?)", (_BLOCK_PUBLIC_ACCESS, text))
