"""faceagent-multitask: one small network on the product's aligned crop, with a head for each thing a face shows.

crops (once) -> train -> evaluate -> export, one command each; see docs/models/faceagent-multitask.md.
"""
