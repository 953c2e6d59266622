"""The tools as an MCP server (extra `mcp`, `faceagent mcp`)."""
