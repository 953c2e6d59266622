"""Reports: photos examined one by one, a verdict on each, and the whole written as HTML, JSON and CSV."""

from __future__ import annotations

from faceagent.report.build import Examination, build_report
from faceagent.report.verdict import verdict
from faceagent.report.write import write_report

__all__ = ["Examination", "build_report", "verdict", "write_report"]
