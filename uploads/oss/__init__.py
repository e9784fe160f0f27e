"""The client side of the protocols of Alibaba Cloud OSS and STS: building, signing and parsing messages.

Rule: no Django here, and only `transport.py` opens a socket. Protocol facts come from the vendor's manual, which each
module names, and are tested with the vendors' vectors in `tests/vectors/`.
"""
