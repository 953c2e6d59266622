"""A vision-language model of a few million weights, from nothing: tokenizer, eyes, and a network in Idefics3's layout.

photos and eyes train the vision tower on labelled faces; tokens learns a vocabulary from a corpus; build puts both into
a folder that plain transformers loads, as what `faceagent_finetune train` begins with.
"""
