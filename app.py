"""The app: `python app.py` is `faceagent chat`."""

import sys

from faceagent.cli import main

if __name__ == "__main__":
    sys.exit(main(["chat", *sys.argv[1:]]))
