"""The wildcards `*` and `?`, as in RAM policies.

Rule: no regular expression, because a pattern could be made to run for a very long time.
"""


def like(pattern: str, text: str) -> bool:
    """Whether the whole text matches. `*` stands for any text, also none; `?` for one character.

    The time needed is at most proportional to the length of the pattern times the length of the text.
    """
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
