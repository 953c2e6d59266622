"""faceagent-forensic: does a face show traces of forgery, where, and of which kind.

crops (once) -> train -> evaluate -> export -> card, one command each.
"""
