"""The operations, one function for each operation of OSS's manual.

Rule: an operation takes a Context and returns an Answer or raises a Refusal. It opens no socket and writes no file.
"""
