"""compare_faces with `explain`: what a likeness of real photos rests on, in words and as a picture."""

from __future__ import annotations

import io

from held import call, sentences, word
from PIL import Image

from faceagent.media import Photo
from faceagent_tools.compare import CompareFaces
from faceagent_tools.detection import DetectFaces, FaceDetector
from faceagent_tools.embedding import FaceEmbedder
from faceagent_tools.identity.explain import Explainer
from faceagent_tools.identity.regions import PARTS
from faceagent_tools.multitask import FaceReader
from faceagent_tools.trunk import Trunk


def test_what_a_likeness_rests_on_is_said_and_drawn():
    trunk = Trunk()
    embedder, reader = FaceEmbedder(trunk), FaceReader(trunk)
    tool = CompareFaces(embedder, Explainer(embedder, reader, trunk))
    photos = [Photo.open("examples/portrait-altered.jpg"), Photo.open("examples/portrait.jpg")]
    (row,), claims, session = call([DetectFaces(FaceDetector()), tool], photos, explain=True)
    support = row.details["support"]
    assert set(support) == set(PARTS)
    # The eyes are what was altered; the nose, between them, is as it was.
    assert support["eyes"] < support["nose"]
    drawn = session.picture(row.details["picture"])
    assert Image.open(io.BytesIO(drawn)).size == (300, 300)
    assert "the network rests the likeness strongly on the" in sentences(claims)
    for opposing, said in (("nose", "the nose speaks against it."), ("eyes", "the eyes speak against it.")):
        other = session.ledger.record(row.model_copy(update={"details": {**row.details, "opposing": [opposing]}}))
        assert f"Of face 1.1, {said}" in sentences(word(tool, [other], session))
