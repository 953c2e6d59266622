"""The tools: one module a family. `default_tools()` is the one list.

They reach the core through the entry point `faceagent.tools`; the core never imports them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faceagent.tool import AnyTool


def default_tools(detector: str | None = None) -> list[AnyTool]:
    """Every tool of this package, sharing one detector and one reader. Models load on first use.

    Args:
        detector: one of `detectors.CHOICES`; by default the one that FACEAGENT_DETECTOR names, else "auto": YuNet when
            its file is here, else our own.

    Raises:
        UsageError: no such detector.
    """
    # Imported when called, so that `import faceagent_tools` stays light.
    import os

    from faceagent_tools.anonymize import AnonymizeFaces
    from faceagent_tools.attributes import EstimateAttributes
    from faceagent_tools.compare import CompareFaces
    from faceagent_tools.detection import DetectFaces, FaceDetector
    from faceagent_tools.embedding import FaceEmbedder
    from faceagent_tools.emotion import RecognizeEmotion
    from faceagent_tools.forgery import DetectForgery
    from faceagent_tools.identity.enroll import EnrollPerson, ForgetPerson
    from faceagent_tools.identity.explain import Explainer
    from faceagent_tools.identity.identify import IdentifyPerson
    from faceagent_tools.identity.verify import VerifyProtectedIdentity
    from faceagent_tools.liveness import CheckLiveness
    from faceagent_tools.multitask import FaceReader
    from faceagent_tools.parsing import ParseFace
    from faceagent_tools.pose import EstimatePose
    from faceagent_tools.provenance import InspectProvenance
    from faceagent_tools.quality import AssessQuality
    from faceagent_tools.trunk import Trunk
    from faceagent_tools.video import ExamineVideo

    trunk = Trunk()
    embedder, reader = FaceEmbedder(trunk), FaceReader(trunk)
    finder = FaceDetector(detector or os.environ.get("FACEAGENT_DETECTOR"), reader=reader)
    return [
        DetectFaces(finder),
        EstimatePose(reader),
        CompareFaces(embedder, Explainer(embedder, reader, trunk)),
        EstimateAttributes(reader),
        RecognizeEmotion(reader),
        AssessQuality(reader),
        ParseFace(reader),
        CheckLiveness(),
        InspectProvenance(),
        DetectForgery(reader),
        ExamineVideo(finder, reader, embedder),
        AnonymizeFaces(finder, embedder),
        IdentifyPerson(embedder, reader),
        EnrollPerson(embedder, reader),
        ForgetPerson(),
        VerifyProtectedIdentity(embedder, reader, trunk),
    ]
