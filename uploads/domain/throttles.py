"""How often a user, or an address without a login, may send requests. Rule: pure; THROTTLES replaces each rate."""

DEFAULT_THROTTLES = {
    "diagnose": "30/min",
    "create": "600/min",
    "batch": "600/min",
    "sign": "1200/min",
    "complete": "600/min",
    "credentials": "120/min",
    "callback": "6000/min",
    "token": "60/min",
    "authentication": "300/min",
    "login_account": "10/min",
    "login_address": "30/min",
}
"""Requests that one user may make, or one address that is not logged in, by scope.

`authentication` counts tokens that are refused or cannot be examined, from one address. `login_account` and
`login_address` count wrong passwords for one account and from one address.
"""
