"""Agent traces: questions put to the assistant itself, with a teacher in the model's seat.

questions has what is asked and the right reading of it; teacher plans and words as a model should; record turns what
the model was told and said into messages, and back.
"""
