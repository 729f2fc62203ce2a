"""Webhooks of chat apps: whether a call is theirs, and what it says. Pure: bytes in, a value out.

registry.py has the table of services. Each has one file here that checks a call over its raw bytes before it reads
anything, and one in reading/ that makes a small uniform value of what was checked. docs/chat-apps.md says for each what
is proved, by what it was tried, and what its documents leave open.
"""
