"""`faceagent audit verify`: whether a log of what was asked and said is as it was written."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from faceagent.cli.console import complain, say
from faceagent.cli.keys import add_gallery, gallery_of

EXAMPLE = """examples:
  faceagent audit verify --gallery people
  faceagent audit verify --log audit.jsonl --expect 12:5f0c…   (a head that was noted earlier)"""


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "audit",
        parents=[common],
        help="check a log of what was asked and said",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=["verify"], help="name every line that was changed, removed or moved")
    parser.add_argument("--log", type=Path, metavar="FILE", help="a log without a gallery (faceagent ask --audit FILE)")
    parser.add_argument("--expect", metavar="HEAD", help="number and digest of a line that must be in it")
    add_gallery(parser)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    from faceagent.audit import AuditLog
    from faceagent.errors import AuditError

    if chosen.log is not None:
        if not chosen.log.is_file():
            raise AuditError(f"There is no audit log at {chosen.log}", "Check the path")
        checked = AuditLog(chosen.log).verify(chosen.expect)
    else:
        with gallery_of(chosen) as gallery:
            checked = gallery.audit.verify(chosen.expect)
    for fault in checked.faults:
        complain(fault)
    if checked.faults:
        return 1
    lines = "1 line" if checked.lines == 1 else f"{checked.lines} lines"
    say(f"{lines}, each as it was written. Head, to be kept elsewhere: {checked.head or 'none yet'}")
    return 0
