"""One suite of statements about OSS, for a real bucket (`make live`) and for the local OSS (`make test`).

`docs/live.md` says how to run it with an account.
"""
