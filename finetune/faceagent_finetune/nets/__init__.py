"""Training and calibration of the embedded networks."""
