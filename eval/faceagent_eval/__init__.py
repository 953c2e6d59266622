"""Benchmarks of faceagent: `python -m faceagent_eval run lfw --data DIR`."""
