"""Labelled photos of faces turned into conversations on which a vision-language model can be tuned.

sources/ read the sets; sampler chooses rows; kinds/ make conversations of a shard's photos in the words of
wording.toml; build writes shard after shard; report, card and preview say what came of it.
"""
