"""inspect_provenance: what files say, as evidence, and in sentences that the evidence carries."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import photo_files as files
import pytest
from held import call, roles, sentences, word
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from faceagent.errors import UsageError
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import Toolbox
from faceagent.types import Box, Claim, Evidence, Face
from faceagent_tools.provenance import InspectProvenance
from faceagent_tools.provenance_evidence import ATTRIBUTES
from faceagent_tools.provenance_records import marks

TOOL = InspectProvenance()


def inspected(raw: bytes, tool: InspectProvenance = TOOL) -> tuple[dict[str, Evidence], list[Claim], str]:
    """Evidence by attribute, sentences, and the sentences as one text."""
    evidence, claims, _ = call([tool], [Photo.open(raw, name="photo.jpg")])
    return {row.attribute: row for row in evidence}, claims, sentences(claims)


# The examples


def test_the_portrait_agrees_with_its_thumbnail() -> None:
    rows, claims, text = inspected((files.EXAMPLES / "portrait.jpg").read_bytes())
    assert rows["thumbnail"].value == "agrees"
    assert rows["metadata"].value == ["EXIF", "embedded thumbnail"]
    assert roles(claims, "answer") == "The records in the file show no sign of alteration or of an image generator."
    assert "thumbnail embedded in the file shows the same picture" in text


def origin(raw: bytes) -> str:
    """What is answered where only the origin was asked for."""
    _, claims, _ = call([TOOL], [Photo.open(raw, name="photo.jpg")], about=("origin",))
    return roles(claims, "answer")


def test_asked_for_its_origin_a_file_without_any_says_so_first() -> None:
    raw = (files.EXAMPLES / "portrait.jpg").read_bytes()
    assert origin(raw) == "The file does not say when, where or with which camera the picture was taken."


def test_asked_for_its_origin_the_camera_leads_and_what_is_missing_follows() -> None:
    made = files.exif({0x010F: "Acme", 0x0110: "One"}, {0x9003: "2024:05:02 10:00:00"})
    said = origin(files.jpeg(exif=made))
    assert said.startswith("The file carries the record of a camera (“Acme” “One”), with “2024:05:02 10:00:00”")
    assert said.endswith("The file does not say where the picture was taken.")
    made.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
    said = origin(files.jpeg(exif=made))
    assert said.endswith("It names a place too, which is left in the file: a viewer of EXIF records shows it.")
    assert "52" not in said


def test_the_altered_portrait_differs_around_the_eyes() -> None:
    session = Session()
    session.add(Photo.open(files.EXAMPLES / "portrait-altered.jpg"))
    eyes = ((203.5, 103.0), (247.0, 104.0), (225.0, 128.0), (204.0, 143.0), (243.0, 144.0))
    box = Box(x0=178, y0=65, x1=270, y1=176)
    face = Face(id="face 1.1", image="image 1", box=box, score=1, landmarks=eyes, landmark_scheme="eyes-nosetip-mouth")
    session.set_faces("image 1", [face])
    found = Toolbox([TOOL]).call(session, TOOL.name, {})[-1].evidence
    image, its_face = (row for row in found if row.attribute == "thumbnail")
    assert (image.subject, image.value, image.details["extent"]) == ("image 1", "differs", "part")
    assert image.region is not None and image.region.intersection(box) > 0.5 * image.region.area
    assert (its_face.subject, its_face.details["part"]) == ("face 1.1", "eyes")
    claims = word(TOOL, found, session)
    assert "differs from the photo around the eyes of the face" in roles(claims, "answer")
    assert "“make_examples.py”" in roles(claims, "reason")
    picture = session.picture(str(image.details["picture"]))
    assert picture is not None and Photo.open(picture).width == 160


def test_without_faces_the_place_is_said_in_words() -> None:
    _, claims, _ = inspected((files.EXAMPLES / "portrait-altered.jpg").read_bytes())
    assert "differs from the photo in the upper middle part" in roles(claims, "answer")


def test_the_group_has_no_thumbnail_and_that_is_said_once() -> None:
    rows, _, text = inspected((files.EXAMPLES / "group.jpg").read_bytes())
    assert rows["thumbnail"].value == "absent"
    assert text.count("says nothing either way") == 1
    assert "no Content Credentials (signed records of origin), no record of a camera and no embedded thumbnail" in text


def test_the_committed_examples_are_what_the_script_makes() -> None:
    for name, made in files.make_examples().make().items():
        kept = (files.EXAMPLES / name).read_bytes()
        assert len(kept) < 300_000
        theirs, ours = Photo.open(made), Photo.open(kept)
        assert np.abs(theirs.pixels.astype(int) - ours.pixels.astype(int)).mean() < 1


# Every attribute, always


@pytest.mark.parametrize("raw", [files.jpeg(), files.png(), (files.EXAMPLES / "portrait.jpg").read_bytes()])
def test_every_attribute_has_evidence(raw: bytes) -> None:
    rows, _, _ = inspected(raw)
    assert set(rows) == set(ATTRIBUTES)
    assert all(row.reason for row in rows.values() if row.status != "ok")


def test_pixels_without_a_file_have_no_records() -> None:
    evidence, claims, _ = call([TOOL], [Photo.open(np.zeros((60, 60, 3), np.uint8))])
    assert {row.status for row in evidence} == {"not_applicable"}
    assert sentences(claims) == ("The photo was given as pixels and not as a file, so there are no records to read.")


def test_a_png_has_no_jpeg_quality() -> None:
    rows, _, _ = inspected(files.png())
    assert rows["jpeg_quality"].status == "not_applicable"
    rows, _, _ = inspected(files.jpeg(quality=77))
    assert (rows["jpeg_quality"].value, rows["jpeg_quality"].details["standard_tables"]) == (77, True)


# Generators


def test_a_generators_mark_leads() -> None:
    text_chunk = "a face\nSteps: 20, Sampler: Euler a, Seed: 1"
    rows, claims, _ = inspected(files.png({"parameters": text_chunk}))
    assert rows["generator_marks"].value == ["Stable Diffusion web UI"]
    assert roles(claims, "answer") == (
        "The file carries the mark of an image generator: “Stable Diffusion web UI” in its field “PNG text parameters”."
    )
    assert "anyone can add it" in roles(claims, "doubt")


def test_xmp_can_state_a_generative_source() -> None:
    packet = files.xmp(f"Iptc4xmpExt:DigitalSourceType='{files.IPTC}compositeWithTrainedAlgorithmicMedia'")
    rows, claims, _ = inspected(files.jpeg(xmp=packet.encode()))
    assert rows["digital_source_type"].value == "compositeWithTrainedAlgorithmicMedia"
    assert "state that the picture contains parts made by a generative model" in roles(claims, "answer")
    assert "not signed" in roles(claims, "doubt")


def test_a_camera_source_is_no_sign() -> None:
    packet = files.xmp(f"Iptc4xmpExt:DigitalSourceType='{files.IPTC}digitalCapture'")
    _, claims, _ = inspected(files.png(xmp=packet))
    assert "no sign" in roles(claims, "answer")
    assert "was taken by a digital camera" in roles(claims, "reason")


# Content Credentials


def test_valid_but_unknown_signer_states_a_generative_model() -> None:
    rows, claims, _ = inspected(files.signed("trainedAlgorithmicMedia"))
    assert rows["content_credentials"].value == "valid_untrusted"
    assert roles(claims, "answer") == (
        "The file carries valid Content Credentials (signed records of its origin) by “Example Camera Works”, a signer "
        "that was held against no trust list: they state that the picture was made by a generative model."
    )
    assert "not that it is true" in roles(claims, "doubt")


def test_trust_anchors_make_a_signer_known(tmp_path: Path) -> None:
    anchors = tmp_path / "anchors.pem"
    anchors.write_text(files.certificates()[2])
    rows, claims, _ = inspected(files.signed("digitalCapture"), InspectProvenance(anchors))
    assert rows["content_credentials"].value == "trusted"
    assert "a recognised signer: they state that the picture was taken by a digital camera" in roles(claims, "reason")
    assert rows["editing_software"].value == [], "a camera's claim generator is no editor"


@pytest.mark.parametrize("content", [None, "no certificate here", "Zertifikat für …"])
def test_an_unusable_trust_list_is_refused_with_its_name(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "anchors.pem"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=r"anchors\.pem"):
        InspectProvenance(path)


def test_a_change_after_signing_leads() -> None:
    raw = bytearray(files.signed("digitalCapture"))
    raw[-200] ^= 1
    rows, claims, _ = inspected(bytes(raw))
    assert rows["content_credentials"].value == "invalid"
    assert "it was changed after it was signed by “Example Camera Works”" in roles(claims, "answer")
    assert "no sign" not in roles(claims, "answer")


def test_remote_credentials_are_named_and_not_fetched() -> None:
    rows, claims, _ = inspected(files.signed("digitalCapture", remote="http://192.0.2.1/m.c2pa"))
    assert rows["content_credentials"].status == "abstained"
    assert "“http://192.0.2.1/m.c2pa”, which was not contacted" in roles(claims, "doubt")


# Software, cameras, contradictions, damage


def test_an_editor_is_named_and_no_sign() -> None:
    rows, claims, _ = inspected(files.jpeg(exif=files.exif({0x0131: "Adobe Photoshop 25.1 (Windows)"})))
    assert rows["editing_software"].value == ["Adobe Photoshop"]
    assert "no sign of alteration" in roles(claims, "answer")
    assert "mention “Adobe Photoshop”" in roles(claims, "reason")
    assert "by itself is no sign of deception" in roles(claims, "reason")


def test_a_face_editor_is_called_one() -> None:
    _, claims, _ = inspected(files.jpeg(exif=files.exif({0x0131: "FaceApp"})))
    assert "“FaceApp” is a program for changing faces" in roles(claims, "reason")


def test_a_camera_is_told_and_its_firmware_is_no_editor() -> None:
    fields = {0x010F: "ACME", 0x0110: "One", 0x0131: "Ver.1.02"}
    rows, claims, text = inspected(files.jpeg(exif=files.exif(fields, {0x9003: "2024:05:06 07:08:09"})))
    assert rows["capture_record"].value == ["maker", "model", "time taken"]
    assert rows["editing_software"].value == []
    assert rows["editing_software"].details["firmware"] == ["Ver.1.02"]
    assert "“ACME” “One”" in roles(claims, "reason") and "“2024:05:06 07:08:09”" in text
    assert "no record of a camera" not in text


def test_dates_that_contradict_each_other_lead() -> None:
    made = files.exif({0x0132: "2020:01:01 00:00:00"}, {0x9003: "2024:05:06 07:00:00"})
    rows, claims, _ = inspected(files.jpeg(exif=made))
    assert rows["contradictions"].value == ["saved before it was taken"]
    assert "contradict each other" in roles(claims, "answer")
    assert "no sign" not in roles(claims, "answer")


def test_another_size_is_no_sign() -> None:
    _, claims, _ = inspected(files.jpeg(exif=files.exif(own={0xA002: 4032, 0xA003: 3024})))
    assert "no sign" in roles(claims, "answer")
    assert "“4032 x 3024” pixels, this one has “512 x 512”" in roles(claims, "reason")


def test_damaged_records_are_a_doubt_and_no_crash() -> None:
    raw = files.jpeg()
    rows, claims, _ = inspected(raw[:2] + b"\xff\xe1\x00\x1aExif\0\0MM\0\x2a\xff\xff\xff\xff12345678" + raw[2:])
    assert rows["metadata"].status == "ok"
    assert "the EXIF block is damaged" in roles(claims, "doubt")


def test_a_damaged_thumbnail_is_failed_evidence() -> None:
    rows, claims, _ = inspected(files.with_thumbnail(files.portrait(), b"\xff\xd8\xff\xe0 no"))
    assert rows["thumbnail"].status == "failed"
    assert "the embedded thumbnail is damaged" in roles(claims, "doubt")


# Several photos


def test_several_files_are_spoken_of_together() -> None:
    photos = [Photo.open(raw) for raw in (files.jpeg(), files.jpeg(quality=70), files.png({"Software": "NovelAI"}))]
    _, claims, _ = call([TOOL], photos)
    assert "The file of image 3 carries the mark of an image generator: “NovelAI”" in roles(claims, "answer")
    assert "The records in the files of image 1 and image 2 show no sign" in roles(claims, "answer")
    assert roles(claims, "doubt").count("says nothing either way") == 1


def test_one_of_several_can_be_asked_for() -> None:
    evidence, _, _ = call([TOOL], [Photo.open(files.jpeg()), Photo.open(files.png())], images=["image 2"])
    assert {row.subject for row in evidence} == {"image 2"}


# Words


@pytest.mark.parametrize("text", files.HOSTILE)
def test_a_file_cannot_speak_outside_its_quotation(text: str) -> None:
    packet = files.xmp(body=f"<xmp:CreatorTool>{text.replace('<', '&lt;').replace(chr(0), '')}</xmp:CreatorTool>")
    _, _, said = inspected(files.png({"Software": text.replace("\0", ""), "parameters": text}, xmp=packet))
    outside = re.sub(r"“[^”]*”", "", said)
    for word_of_the_file in ("genuine", "Ignore", "script", "100", "9.9", "\u202e"):
        assert word_of_the_file not in outside
    assert "“" not in outside and "”" not in outside
    assert len(said) < 2000


@given(
    st.dictionaries(
        st.sampled_from([0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B]), st.text(max_size=60), max_size=6
    ),
    st.dictionaries(st.sampled_from([0x9003, 0xA434]), st.text(max_size=30), max_size=2),
)
@settings(deadline=None, max_examples=60)
def test_whatever_the_fields_hold_every_sentence_is_carried_by_evidence(
    base: dict[int, str], own: dict[int, str]
) -> None:
    ascii_only = {tag: text.encode("ascii", "replace").decode() for tag, text in base.items()}
    own_ascii = {tag: text.encode("ascii", "replace").decode() for tag, text in own.items()}
    inspected(files.jpeg(files.portrait().resize((48, 48)), exif=files.exif(ascii_only, own_ascii)))


def test_the_same_evidence_gives_the_same_words() -> None:
    evidence, claims, session = call([TOOL], [Photo.open(files.jpeg())])
    again = [Evidence.model_validate_json(row.model_dump_json()) for row in evidence]
    assert word(TOOL, again, session) == claims


# Lists


def test_backends_name_their_versions_and_load_nothing() -> None:
    rows = TOOL.backends()
    assert {row.method.name for row in rows} >= {"c2pa-python", "Pillow"}
    assert all(row.here and row.method.version != "not installed" and row.method.licence for row in rows)


def test_the_levels_come_from_the_committed_table() -> None:
    import faceagent_tools

    path = Path(str(faceagent_tools.__file__)).parent / "calibration" / "thumbnail.json"
    table: dict[str, Any] = json.loads(path.read_text())
    assert table["n"]["honest"] > 5000
    assert table["stranger_level"] < table["agreement_level"]
    rows, _, _ = inspected((files.EXAMPLES / "portrait.jpg").read_bytes())
    line = rows["thumbnail"].threshold
    assert line is not None and line.value == table["local_level"] and table["command"] in line.source


def test_every_program_has_a_name_that_its_own_pattern_need_not_hold_but_no_two_the_same() -> None:
    names = [program.name for program in marks.PROGRAMS]
    assert len(names) == len(set(names))


def test_images_of_any_mode_are_inspected() -> None:
    for mode in ("L", "RGBA", "P", "1", "I;16"):
        image = Image.fromarray(np.zeros((40, 40), np.uint16)) if mode == "I;16" else files.portrait().convert(mode)
        session = Session()
        session.add(Photo.open(_as_png(image)))
        assert Toolbox([TOOL]).call(session, TOOL.name, {})[-1].step.status == "ok"


def _as_png(image: Image.Image) -> bytes:
    import io

    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
