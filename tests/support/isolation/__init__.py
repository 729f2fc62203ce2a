"""Whether each SQL statement of the services is restricted to one platform.

`collecting` reads the statements from the source, `proving` says how far each is restricted, `exceptions` names those
that are not, with reasons.
"""
