"""`*` and `?` in patterns, as RAM policies use them. Rule: no regular expression, which a pattern could blow up."""


def like(pattern: str, text: str) -> bool:
    """`*` is any text, the empty one too; `?` is one character. Time: at most length times length."""
    at, place, star, mark = 0, 0, -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == "*":
            star, mark = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", text[at]):
            place, at = place + 1, at + 1
        elif star >= 0:
            mark += 1
            place, at = star + 1, mark
        else:
            return False
    return not pattern[place:].strip("*")
