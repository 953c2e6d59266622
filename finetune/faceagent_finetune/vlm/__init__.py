"""Tunes a vision-language model on a corpus: `python -m faceagent_finetune train | export`.

recipe says what; conversations reads the corpus; lessons says what of a conversation is learnt; batches makes tensors;
network loads the model and marks what is trained; estimate says what it will cost; train runs; watch looks on; export
makes what is served.
"""
