"""`make release`: builds both packages twice, compares them, checks them, and says what they consist of.

Rule: it imports nothing but the standard library, so that it runs in the environment of its tools.
"""
