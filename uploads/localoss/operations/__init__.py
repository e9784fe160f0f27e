"""What a request does, one function for each operation of OSS's manual.

Rule: an operation takes a Context and returns an Answer or raises a Refusal; it opens no socket and writes no file.
"""
