"""What the pixels of a face give away, one module a family of signals."""
