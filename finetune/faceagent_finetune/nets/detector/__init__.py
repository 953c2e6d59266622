"""faceagent-detector: a small anchor-free face detector with five points, taught by YuNet.

labels (once) -> train -> export -> card, one command each.
"""
