"""The network that plans: what a question asks for, from a corpus of written phrases.

grammar.py reads corpus/, compose.py makes questions of it, tokens.py and model.py are the network, train.py trains it.
"""
