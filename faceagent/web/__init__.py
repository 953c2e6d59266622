"""What servers for other programs share: keys, the gate in front of them, and refusals that programs can read."""
