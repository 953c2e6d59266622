"""`python -m faceagent_eval`."""

from __future__ import annotations

import sys

from faceagent_eval.run import main

sys.exit(main())
