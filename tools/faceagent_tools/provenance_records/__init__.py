"""Readers for the records inside a photo file. They know no session and no sentence: bytes in, plain values out."""
