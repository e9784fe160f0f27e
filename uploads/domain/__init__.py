"""Pure rules of uploads: states, plans, keys, options, quota, completion, errors. No Django, no I/O, no clock."""
