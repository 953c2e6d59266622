"""`python -m faceagent` is the command line."""

import sys

from faceagent.cli import main

if __name__ == "__main__":
    sys.exit(main())
