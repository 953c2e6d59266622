"""Training and calibration of faceagent's models."""
