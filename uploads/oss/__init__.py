"""Alibaba Cloud OSS as a protocol: build, sign and parse.

Rule: nothing here knows Django, and only `client.py` opens a socket. Facts come from the vendor's manual
and are proven by the vendors' vectors in `tests/vectors/`.
"""
