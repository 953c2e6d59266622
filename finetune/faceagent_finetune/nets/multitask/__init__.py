"""faceagent-multitask: one small network on the product's aligned crop, with a head for each thing a face shows.

crops (once) -> train -> evaluate -> export -> card, one command each.
"""
