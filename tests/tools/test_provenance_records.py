"""Readers of records: what is written is read, what is hostile is survived and said to be damaged."""

from __future__ import annotations

import io
import struct
import unicodedata

import numpy as np
import photo_files as files
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from faceagent.errors import FaceAgentError, ToolError
from faceagent_tools.provenance_records import container, contradictions, jpeg_quality, marks, xmp
from faceagent_tools.provenance_records.container import FileRecords
from faceagent_tools.provenance_records.content_credentials import ABSENT, CredentialsReader
from faceagent_tools.provenance_records.text import clean

SETTINGS = "a portrait\nNegative prompt: blur\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 512x512"


def records(raw: bytes) -> FileRecords:
    return container.read(raw, "photo")


# Text


@given(st.one_of(st.text(), st.binary()), st.integers(1, 60))
def test_text_is_one_printable_line_that_cannot_end_a_quotation(value: str | bytes, longest: int) -> None:
    text = clean(value, longest)
    assert len(text) <= longest
    assert not set(text) & set('“”"\n\r\t\u202e\u200b')
    assert not any(unicodedata.category(char).startswith("C") for char in text)
    assert clean(text, longest) == text


def test_long_text_says_that_it_was_cut() -> None:
    assert clean("x" * 500, 10) == "xxxxxxxxx…"


# EXIF


def test_camera_fields_are_read() -> None:
    fields = {0x010F: "ACME", 0x0110: "One"}
    own = {0x829A: 0.01, 0x829D: 2.8, 0x8827: 400, 0x9003: "2024:05:06 07:08:09", 0xA434: "ACME 50mm"}
    record = records(files.jpeg(exif=files.exif(fields, own))).exif
    assert record is not None
    assert record.capture == ["maker", "model", "lens", "exposure time", "aperture", "sensitivity", "time taken"]
    assert record.fields["Make"] == "ACME"
    assert record.fields["ExposureTime"] == "0.01"
    assert record.faults == ()


def test_a_place_is_noted_and_not_told() -> None:
    made = files.exif({0x010F: "ACME"})
    made.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
    record = records(files.jpeg(exif=made)).exif
    assert record is not None and record.location
    assert "52" not in " ".join(record.fields.values())


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"ASCII\0\0\0hello", "hello"),
        (b"UNICODE\0" + "hello".encode("utf-16-be"), "hello"),
        (b"UNICODE\0" + "hello".encode("utf-16-le"), "hello"),
        (b"\0\0\0\0\0\0\0\0hello", "hello"),
    ],
)
def test_comments_are_read_in_their_character_set(raw: bytes, text: str) -> None:
    record = records(files.jpeg(exif=files.exif(own={0x9286: raw}))).exif
    assert record is not None and record.fields["UserComment"] == text


def test_no_exif_is_none_and_not_damaged() -> None:
    found = records(files.jpeg())
    assert found.exif is None and found.faults == ()


def app1(body: bytes) -> bytes:
    """A JPEG whose first segment is an EXIF block with this body."""
    raw = files.jpeg(files.portrait().resize((32, 32)))
    segment = b"Exif\0\0" + body
    return raw[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + raw[2:]


CIRCLE = b"MM\0\x2a\0\0\0\x08" + b"\0\x01" + struct.pack(">HHLL", 0x8769, 4, 1, 8) + struct.pack(">L", 8)
LONG_WAY = b"MM\0\x2a\0\0\0\x08" + b"\0\x01" + struct.pack(">HHLL", 0x010E, 2, 2**31, 8) + struct.pack(">L", 2**31)
LEADS_OUT = (
    b"MM\0\x2a\0\0\0\x08\0\0\0\0\0\x0e\0\x02"
    + struct.pack(">HHLL", 0x0201, 4, 1, 9999)
    + struct.pack(">HHLL", 0x0202, 4, 1, 500)
    + b"\0\0\0\0"
)


@pytest.mark.parametrize("body", [b"MM\0\x2a\xff\xff\xff\xff" + bytes(20), b"nonsense" * 5, LONG_WAY])
def test_broken_exif_is_said_to_be_damaged(body: bytes) -> None:
    found = records(app1(body))
    assert any("EXIF" in fault for fault in found.faults)


def test_a_directory_that_contains_itself_ends() -> None:
    assert records(app1(CIRCLE)).format == "JPEG"


def test_a_thumbnail_pointer_that_leads_out_is_a_fault() -> None:
    assert "the pointer to the embedded thumbnail leads out of the EXIF block" in records(app1(LEADS_OUT)).faults


@given(st.binary(max_size=200), st.sampled_from([b"", b"MM\0\x2a\0\0\0\x08", b"II\x2a\0\x08\0\0\0", CIRCLE, LEADS_OUT]))
@settings(deadline=None, max_examples=300)
def test_no_exif_block_stops_the_reading(noise: bytes, start: bytes) -> None:
    assert records(app1(start + noise)).format == "JPEG"


# XMP


def test_xmp_is_read_from_attributes_elements_lists_and_resources() -> None:
    body = (
        "<xmp:CreatorTool>Some Tool 1</xmp:CreatorTool>"
        f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{files.IPTC}digitalCapture"/>'
        "<xmpMM:History><rdf:Seq><rdf:li stEvt:action='saved' stEvt:softwareAgent='Adobe Photoshop 25.1'/>"
        "<rdf:li rdf:parseType='Resource'><stEvt:softwareAgent>GIMP 2.10</stEvt:softwareAgent></rdf:li>"
        "</rdf:Seq></xmpMM:History><dc:creator><rdf:Seq><rdf:li>Somebody</rdf:li></rdf:Seq></dc:creator>"
    )
    found = xmp.read(files.xmp("photoshop:Credit='Made with Google AI'", body))
    assert found.fault is None
    assert found.texts("xmp:CreatorTool") == ["Some Tool 1"]
    assert found.texts("stEvt:softwareAgent") == ["Adobe Photoshop 25.1", "GIMP 2.10"]
    assert found.texts("Iptc4xmpExt:DigitalSourceType") == [f"{files.IPTC}digitalCapture"]
    assert found.texts("photoshop:Credit", "dc:creator") == ["Made with Google AI", "Somebody"]


@pytest.mark.parametrize(
    "packet",
    [
        "<x",
        "",
        "\0\0",
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1/x"><a/>',
        '<?xml version="1.0" encoding="no-such"?><a/>',
    ],
)
def test_broken_or_hostile_xml_is_damaged_and_not_followed(packet: str) -> None:
    assert xmp.read(packet) == xmp.XmpRecord(fault="the XMP block is damaged")


def test_too_much_xmp_is_not_read() -> None:
    assert xmp.read(b" " * (xmp.LARGEST + 1)).fault == "the XMP block is too large to be read"


def test_deep_and_wide_xml_ends() -> None:
    assert xmp.read("<a>" * 100_000 + "</a>" * 100_000).properties == {}
    many = "".join("<rdf:li stEvt:softwareAgent='GIMP'/>" for _ in range(500))
    assert len(xmp.read(files.xmp(body=f"<xmpMM:History><rdf:Seq>{many}</rdf:Seq></xmpMM:History>")).properties) == 1


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_no_packet_stops_the_reading(noise: bytes) -> None:
    packet = files.xmp().encode()
    for data in (noise, packet[:180] + noise + packet[180:]):
        assert isinstance(xmp.read(data), xmp.XmpRecord)


# Whole files


def test_kinds_of_records_are_listed() -> None:
    icc = Image.open(io.BytesIO(files.jpeg())).info.get("icc_profile") or b"profile"
    raw = files.jpeg(exif=files.exif({0x0131: "x"}), icc_profile=icc, comment=b"hello", xmp=files.xmp().encode())
    assert records(raw).present == ["EXIF", "XMP", "ICC colour profile", "comment"]
    assert records(files.png({"Title": "x"})).present == ["PNG text"]
    assert records(files.jpeg()).present == []


def photoshop_block(*resources: tuple[int, bytes]) -> bytes:
    body = b"Photoshop 3.0\0"
    for number, data in resources:
        body += (
            b"8BIM"
            + struct.pack(">H", number)
            + b"\0\0"
            + struct.pack(">L", len(data))
            + data
            + b"\0" * (len(data) % 2)
        )
    raw = files.jpeg(files.portrait().resize((32, 32)))
    return raw[:2] + b"\xff\xed" + struct.pack(">H", len(body) + 2) + body + raw[2:]


def test_iptc_is_read_and_by_itself_no_mark_of_photoshop() -> None:
    credit = b"\x1c\x02\x6e" + struct.pack(">H", 6) + b"Agency"
    found = records(photoshop_block((0x0404, credit)))
    assert found.iptc == {"credit": "Agency"}
    assert not found.photoshop
    assert records(photoshop_block((0x03ED, bytes(16)))).photoshop


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=4))
@settings(deadline=None)
def test_no_photoshop_block_stops_the_reading(resources: list[tuple[int, bytes]]) -> None:
    assert records(photoshop_block((0x0404, b"\x1c\x02"), *resources)).format == "JPEG"


@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=6)), max_size=8))
@settings(deadline=None, max_examples=150)
def test_a_damaged_file_is_read_or_refused(edits: list[tuple[float, bytes]]) -> None:
    data = bytearray(
        files.jpeg(files.portrait().resize((32, 32)), exif=files.exif({0x010F: "ACME"}), xmp=files.xmp().encode())
    )
    for where, new in edits:
        at = int(where * min(len(data), 900))
        data[at : at + len(new)] = new
    try:
        found = records(bytes(data))
    except FaceAgentError:
        return
    assert all(isinstance(text, str) for texts in found.texts.values() for text in texts)


# Names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Adobe Photoshop 25.1 (Windows)", "Adobe Photoshop"),
        ("Adobe Photoshop Lightroom Classic 13.0 (Macintosh)", "Adobe Photoshop Lightroom"),
        ("GIMP 2.10.34", "GIMP"),
        ("paint.net 5.0.10", "Paint.NET"),
        ("CREATOR: gd-jpeg v1.0 (using IJG JPEG v62), quality = 90", "GD"),
        ("Snapseed 2.0", "Snapseed"),
        ("FaceApp", "FaceApp"),
        ("Google", "Google Photos"),
    ],
)
def test_known_programs_go_by_their_common_name(text: str, name: str) -> None:
    assert [found.name for found in marks.programs([marks.Saying("EXIF Software", text)], by_camera=True)] == [name]


@pytest.mark.parametrize(
    "firmware", ["Ver.1.02", "17.1.1", "HDR+ 1.0.540104767zd", "G991BXXU9EWF1", "Digital Camera X"]
)
def test_firmware_is_no_editor(firmware: str) -> None:
    saying = marks.Saying("EXIF Software", firmware)
    assert marks.programs([saying], by_camera=True) == []
    assert [found.name for found in marks.programs([saying], by_camera=False)] == [firmware]


COMFY = '{"3": {"class_type": "KSampler", "inputs": {"seed": 1}}}'


@pytest.mark.parametrize(
    ("field", "text", "generator"),
    [
        ("PNG text parameters", SETTINGS, "Stable Diffusion web UI"),
        ("EXIF UserComment", SETTINGS, "Stable Diffusion web UI"),
        ("PNG text prompt", COMFY, "ComfyUI"),
        ("PNG text invokeai_metadata", "{}", "InvokeAI"),
        ("PNG text Dream", "a cat -s 50", "InvokeAI"),
        ("PNG text Software", "NovelAI", "NovelAI"),
        ("PNG text fooocus_scheme", "fooocus", "Fooocus"),
        ("PNG text parameters", '{"sui_image_params": {}}', "SwarmUI"),
        ("XMP dc:description", "a cat --v 6 Job ID: 0123abcd-0123-4567-89ab-0123456789ab", "Midjourney"),
        ("XMP photoshop:Credit", "Made with Google AI", "Google AI"),
        ("Content Credentials", "OpenAI-API", "OpenAI"),
        ("XMP xmp:CreatorTool", "Adobe Firefly 3", "Adobe Firefly"),
    ],
)
def test_generators_are_told_by_their_marks(field: str, text: str, generator: str) -> None:
    assert [found.generator for found in marks.generators({field: [clean(text, 4000)]})] == [generator]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("XMP dc:description", "Sam Altman, head of OpenAI, on ChatGPT and Midjourney in Berlin"),
        ("EXIF ImageDescription", "A painting of Grok at the Stability AI fair"),
        ("IPTC credit", "OpenAI/Handout"),
        ("PNG text Comment", "Steps: to the house"),
        ("PNG text prompt", "please sign here"),
        ("PNG text Title", "Dream"),
    ],
)
def test_speaking_of_a_generator_is_no_mark(field: str, text: str) -> None:
    assert marks.generators({field: [text]}) == []


# JPEG quality


@given(st.integers(1, 100), st.sampled_from(["L", "RGB"]))
@settings(deadline=None)
def test_the_quality_of_the_ijg_library_is_read_back(quality: int, mode: str) -> None:
    image = files.portrait().resize((16, 16)).convert(mode)
    found = jpeg_quality.estimate(records(files.jpeg(image, quality=quality)).tables)
    # At the fine end several settings give one table; the lowest of them is reported.
    assert found is not None and found.standard
    assert (
        found.quality == quality
        or jpeg_quality._ijg(found.quality)[0].tolist() == jpeg_quality._ijg(quality)[0].tolist()
    )


def test_tables_of_other_makers_get_the_nearest_setting() -> None:
    table = [min(255, value + 1) for value in np.asarray(jpeg_quality.LUMINANCE).reshape(-1).tolist()]
    found = jpeg_quality.estimate([table])
    assert found is not None and not found.standard and abs(found.quality - 50) <= 3
    assert jpeg_quality.estimate([]) is None
    assert jpeg_quality.estimate([[1, 2, 3]]) is None


# Contradictions


def found_in(raw: bytes) -> list[str] | None:
    found = contradictions.find(records(raw))
    return None if found is None else [item.kind for item in found]


def test_records_that_fit_do_not_contradict() -> None:
    made = files.exif({0x0132: "2024:05:06 08:00:00"}, {0x9003: "2024:05:06 07:00:00", 0xA002: 512, 0xA003: 512})
    assert found_in(files.jpeg(exif=made)) == []
    assert found_in(files.jpeg()) is None


def test_saved_before_it_was_taken() -> None:
    made = files.exif({0x0132: "2023:01:01 00:00:00"}, {0x9003: "2024:05:06 07:00:00"})
    assert found_in(files.jpeg(exif=made)) == ["saved before it was taken"]


def test_a_time_zone_is_no_contradiction() -> None:
    made = files.exif({0x0132: "2024:05:05 12:00:00"}, {0x9003: "2024:05:06 11:00:00"})
    assert found_in(files.jpeg(exif=made)) == []


def test_two_times_of_capture() -> None:
    made = files.exif(own={0x9003: "2024:05:06 07:00:00"})
    packet = files.xmp("exif:DateTimeOriginal='2020-01-01T00:00:00+02:00'").encode()
    assert found_in(files.jpeg(exif=made, xmp=packet)) == ["several times of capture"]


@pytest.mark.parametrize(("width", "height", "kinds"), [(4032, 3024, ["another size"]), (512, 512, []), (0, 512, None)])
def test_another_size(width: int, height: int, kinds: list[str] | None) -> None:
    assert found_in(files.jpeg(exif=files.exif(own={0xA002: width, 0xA003: height}))) == kinds


@given(st.text(max_size=30))
def test_any_text_is_a_moment_or_none(text: str) -> None:
    contradictions.moment(text)
    assert contradictions.moment(f"0000:00:00 99:99:99{text}") is None


# Content Credentials


def test_absent_untrusted_trusted() -> None:
    raw, anchors = files.signed("trainedAlgorithmicMedia"), files.certificates()[2]
    assert CredentialsReader().read(io.BytesIO(files.jpeg()), "image/jpeg") == ABSENT
    untrusted = CredentialsReader().read(io.BytesIO(raw), "image/jpeg")
    assert (untrusted.state, untrusted.signer, untrusted.generator) == (
        "valid_untrusted",
        "Example Camera Works",
        "Example Generator",
    )
    assert untrusted.source_types == (f"{files.IPTC}trainedAlgorithmicMedia",)
    assert untrusted.failures == ()
    assert CredentialsReader(anchors).read(io.BytesIO(raw), "image/jpeg").state == "trusted"


def test_a_file_changed_after_signing_is_invalid() -> None:
    raw = bytearray(files.signed("digitalCapture"))
    raw[-200] ^= 1
    found = CredentialsReader(files.certificates()[2]).read(io.BytesIO(bytes(raw)), "image/jpeg")
    assert (found.state, found.changed) == ("invalid", True)


def test_a_broken_manifest_is_invalid_and_not_absent() -> None:
    raw = files.signed("digitalCapture")
    at = raw.find(b"jumb")
    found = CredentialsReader().read(io.BytesIO(raw[: at + 30] + b"\0" * 8 + raw[at + 38 :]), "image/jpeg")
    assert found.state == "invalid"


def test_a_manifest_elsewhere_is_named_and_not_fetched() -> None:
    found = CredentialsReader().read(
        io.BytesIO(files.signed("digitalCapture", remote="http://192.0.2.1/m.c2pa")), "image/jpeg"
    )
    assert (found.state, found.remote) == ("absent", "http://192.0.2.1/m.c2pa")


def test_what_is_no_such_file_is_a_tool_error() -> None:
    with pytest.raises(ToolError):
        CredentialsReader().read(io.BytesIO(b"\xff\xd8\xff"), "image/jpeg")


@given(st.lists(st.tuples(st.integers(0, 20_000), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6))
@settings(deadline=None, max_examples=100)
def test_no_manifest_stops_the_reading(edits: list[tuple[int, bytes]]) -> None:
    data = bytearray(files.signed("digitalCapture"))
    for at, new in edits:
        data[at % len(data) : at % len(data) + len(new)] = new
    try:
        assert CredentialsReader().read(io.BytesIO(bytes(data)), "image/jpeg").state in (
            "absent",
            "invalid",
            "valid_untrusted",
        )
    except ToolError as error:
        assert "could not be looked for" in str(error)
