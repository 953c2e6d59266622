"""The tools for other assistants, as an MCP server (extra `mcp`, `faceagent mcp`).

Files are read from the folders that whoever starts the server allows, and from nowhere else; for which purpose faces
are read is stated once, by the same person, and no client can state another.
"""
