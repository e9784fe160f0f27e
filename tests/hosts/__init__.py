"""Projects that this one did not shape, each with the wheel in an environment of its own: the host matrix.

Rule: a host follows the recipe of the README as it is written there; `recipe.py` reads the code blocks and runs them.
"""
