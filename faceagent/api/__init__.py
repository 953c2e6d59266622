"""The assistant for other programs: a web API (extra `api`, `faceagent api`).

No path that a client names is opened and no address is fetched: files come in as uploads, and what goes out has names
of our own.
"""
