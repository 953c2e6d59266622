"""Soft tokens of one protected person for a vision-language model: `python -m faceagent_finetune vip`.

VIPGuard's third stage (Lin et al. 2025, arXiv 2505.19582): everything is frozen but K new tokens, which are trained on
the person's photos, on others and on imitations, with the recogniser's likeness in the question. `photos` measures what
is in a folder and makes imitations, `conversations` words it, `learn` trains with the trainer of `vlm`, and `judge`
asks about photos that were kept back. What is kept is one sealed file (`faceagent.controllers.person`).
"""
