"""The command line: `faceagent ask | report | chat | enroll | gallery | watch | audit | api | mcp | serve | …`.

Exit status: 0 done; 1 done, but some input failed or something is missing; 2 the command or a reference in it is wrong.
Nothing shows a traceback unless --debug asks for one.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from typing import Any

from faceagent import __version__
from faceagent.cli import api, ask, audit, chat, doctor, gallery, mcp, models, report, serve, watch
from faceagent.cli.console import complain
from faceagent.errors import FaceAgentError, UnknownReference, UsageError

ADDING = (
    ask.add_to,
    report.add_to,
    chat.add_to,
    gallery.add_enroll_to,
    gallery.add_to,
    watch.add_to,
    audit.add_to,
    api.add_to,
    mcp.add_to,
    serve.add_to,
    models.add_to,
    doctor.add_to,
)


class Command(argparse.ArgumentParser):
    """A command whose options may stand anywhere, as in `ask PHOTO --language de QUESTION`.

    argparse alone takes the files for all that is given once an option follows them, and refuses the question.
    """

    _intermixed = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        # argparse's own parsing of what is intermixed calls this again, twice; and it cannot look into actions.
        if self._intermixed or self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        self._intermixed = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._intermixed = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    chosen = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.DEBUG if chosen.debug else logging.ERROR, stream=sys.stderr)
    # Its debug log has whole requests in it, and so the photos.
    logging.getLogger("openai").setLevel(logging.INFO if chosen.debug else logging.ERROR)
    try:
        return int(chosen.run(chosen))
    except (UsageError, UnknownReference) as error:
        return _failed(error, 2, chosen.debug)
    except FaceAgentError as error:
        return _failed(error, 1, chosen.debug)
    except KeyboardInterrupt:
        complain("Stopped.")
        return 130
    except BrokenPipeError:
        # The reader of our output (head, less) went away; there is nobody left to tell.
        sys.stderr.close()
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence: a person never sees a traceback unasked
        return _failed(
            FaceAgentError(
                f"Something unexpected went wrong ({type(error).__name__}: {error})",
                "Run it again with --debug and report what it shows",
            ),
            1,
            chosen.debug,
        )


def _failed(error: FaceAgentError, status: int, debug: bool) -> int:
    if debug:
        logging.getLogger("faceagent").exception("details")
    complain(str(error))
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="faceagent",
        description="Questions about faces in photos, answered with evidence; explainable authenticity reports.",
    )
    parser.add_argument("--version", action="version", version=f"faceagent {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show tracebacks and the log")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Command)
    for add_to in ADDING:
        add_to(commands, common)
    return parser
