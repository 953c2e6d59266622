"""anonymize_faces: what is hidden, what stays, what the check says, and what the copy must not carry."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
import skimage.data
from held import word
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from placed import CHOSEN, PLACES, Place, ask, never_met, number_of, placed, some_of

from faceagent.ground import ground
from faceagent.media import Photo, Pixels
from faceagent.session import Session
from faceagent.tool import Names, Toolbox
from faceagent.types import Box, Claim, Evidence, Face, Method
from faceagent_tools import anonymize
from faceagent_tools.anonymize import CELLS, AnonymizeFaces, copy_name
from faceagent_tools.detection import DetectFaces, FaceDetector
from faceagent_tools.embedding import Embedding, FaceEmbedder
from faceagent_tools.hiding import HidingMethod, Region, hide, region_of

PORTRAIT: Pixels = skimage.data.astronaut()
METHODS: tuple[HidingMethod, ...] = ("pixelate", "blur", "mask")


def made_face(x: float, y: float, side: float, roll: float = 0.0, number: int = 1) -> Face:
    half = side / 2
    box = Box(x0=x - half, y0=y - half, x1=x + half, y1=y + half)
    return Face(id=f"face 1.{number}", image="image 1", box=box, score=1.0, roll=roll)


class Blind:
    """Finds nothing."""

    def detect(self, photo: Photo, image_id: str) -> Sequence[Face]:
        return ()


class SeesThrough:
    """Recognises a face as long as its place shows more than so many colours."""

    weights = "fake"
    method = Method(name="fake", version="1", licence="MIT")

    def __init__(self, colours: int) -> None:
        self.colours, self.looks = colours, 0

    def embed(self, photo: Photo, face: Face) -> Embedding:
        self.looks += 1
        box = face.box.clipped(photo.width, photo.height)
        part = photo.pixels[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)].reshape(-1, 3)
        vector = np.zeros(128, dtype=np.float32)
        vector[0 if len(np.unique(part, axis=0)) > self.colours else 1] = 1
        return vector


class Made:
    """One run of the tool on one photo."""

    def __init__(self, tool: AnonymizeFaces, photo: Photo, faces: Sequence[Face], **arguments: object) -> None:
        self.session = Session()
        self.session.add(photo)
        self.session.set_faces("image 1", faces)
        self.outcome = Toolbox([tool]).call(self.session, "anonymize_faces", arguments)[-1]
        names = Names(self.session.images, tuple(face.id for face in faces))
        self.claims: Sequence[Claim] = tool.word(self.outcome.evidence, names)
        self.rejected = ground(self.claims, self.session.ledger.get).rejected

    def rows(self, attribute: str) -> list[Evidence]:
        return [row for row in self.outcome.evidence if row.attribute == attribute]

    @property
    def pixels(self) -> Pixels:
        (output,) = self.session.outputs.values()
        return np.asarray(Image.open(io.BytesIO(output.data)))

    @property
    def text(self) -> str:
        return " ".join(claim.sentence for claim in self.claims)


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector("dlib")


@pytest.fixture(scope="module")
def face(detector: FaceDetector) -> Face:
    return detector.detect(Photo.open(PORTRAIT), "image 1")[0]


# What is hidden, and what stays.


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(-40, 240),
    y=st.floats(-40, 200),
    side=st.floats(0, 150),
    roll=st.floats(-180, 180),
    method=st.sampled_from(METHODS),
    cells=st.sampled_from(CELLS),
)
def test_pixels_outside_the_region_are_untouched(
    x: float, y: float, side: float, roll: float, method: HidingMethod, cells: int
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (160, 200, 3), dtype=np.uint8)
    region = region_of(made_face(x, y, side, roll))
    copy = hide(pixels, region, method, cells)
    outside = ~region.mask(0, 0, 200, 160)
    assert np.array_equal(copy[outside], pixels[outside])
    assert copy.shape == pixels.shape


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(0, 99), y=st.floats(0, 99), width=st.floats(1, 40), height=st.floats(1, 60), roll=st.floats(-180, 180)
)
def test_the_box_of_a_region_holds_it(x: float, y: float, width: float, height: float, roll: float) -> None:
    region = Region((x, y), width, height, roll)
    rows, columns = np.nonzero(region.mask(-100, -100, 250, 250))
    if len(rows):
        assert region.box.x0 <= columns.min() - 100 + 0.5
        assert columns.max() - 100 + 0.5 <= region.box.x1
        assert region.box.y0 <= rows.min() - 100 + 0.5
        assert rows.max() - 100 + 0.5 <= region.box.y1


@pytest.mark.parametrize("roll", [0.0, 30.0, -90.0, 180.0])
def test_a_region_reaches_from_the_hair_to_below_the_chin(roll: float) -> None:
    region = region_of(made_face(100, 100, 50, roll))
    turn = math.radians(roll)
    for up, inside in ((60, True), (66, False), (-39, True), (-44, False)):
        x, y = 100 + up * math.sin(turn), 100 - up * math.cos(turn)
        assert bool(region.mask(0, 0, 200, 200)[int(y), int(x)]) is inside, up


@pytest.mark.parametrize("method", METHODS)
def test_little_is_left_of_a_face(method: HidingMethod, face: Face) -> None:
    region = region_of(face)
    copy = hide(PORTRAIT, region, method, CELLS[0])
    inside = region.mask(0, 0, 512, 512)
    colours = len(np.unique(copy[inside], axis=0))
    most = {"pixelate": CELLS[0] * (CELLS[0] + 3), "blur": 10**6, "mask": 1}[method]
    assert colours <= most
    before, after = (np.abs(np.diff(pixels.astype(int), axis=1))[inside[:, 1:]].mean() for pixels in (PORTRAIT, copy))
    assert after < before / 2


def test_the_blur_keeps_no_more_than_the_mosaic_does(face: Face) -> None:
    # Two faces that differ only inside the cells of the mosaic are blurred to the same picture.
    region = region_of(face)
    mosaic = hide(PORTRAIT, region, "pixelate", 4)
    box = region.box.clipped(512, 512)
    part = np.s_[math.floor(box.y0) : math.ceil(box.y1), math.floor(box.x0) : math.ceil(box.x1)]
    flattened = PORTRAIT.copy()
    flattened[part] = np.where(region.mask(0, 0, 512, 512)[part][..., None], mosaic[part], PORTRAIT[part])
    first, second = (hide(pixels, region, "blur", 4)[part].astype(int) for pixels in (PORTRAIT, flattened))
    assert np.abs(first - second).mean() < 3


# The check.


def test_strength_is_raised_until_the_face_is_not_recognised() -> None:
    photo = Photo.open(np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8))
    faces = [made_face(150, 150, 120)]
    eager = SeesThrough(colours=3 * 4)
    made = Made(AnonymizeFaces(Blind(), eager, line=0.5), photo, faces)
    (row,) = made.rows("reidentification")
    assert row.value == "not_recognisable"
    assert row.details["rounds"] == CELLS.index(row.details["cells_across"]) + 1
    assert row.details["rounds"] > 1
    assert "This system no longer recognises the face in the copy" in made.text
    assert not made.rejected


def test_what_stays_recognisable_is_said_first() -> None:
    photo = Photo.open(np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8))
    made = Made(AnonymizeFaces(Blind(), SeesThrough(colours=0), line=0.5), photo, [made_face(150, 150, 120)])
    (row,) = made.rows("reidentification")
    assert row.value == "recognisable"
    assert row.details["rounds"] == row.details["most_rounds"] == len(CELLS)
    warning = next(claim for claim in made.claims if claim.attribute == "reidentification")
    assert warning.role == "answer"
    assert "choose the mask instead" in warning.sentence
    assert not made.rejected
    masked = Made(
        AnonymizeFaces(Blind(), SeesThrough(colours=0), line=0.5), photo, [made_face(150, 150, 120)], method="mask"
    )
    assert masked.rows("reidentification")[0].details["rounds"] == 1
    assert "do not pass the copy on" in masked.text


def test_each_round_keeps_less() -> None:
    assert all(stronger < weaker for weaker, stronger in pairwise(CELLS))


@pytest.mark.parametrize("method", METHODS)
def test_a_real_face_is_not_recognised_in_the_copy(method: str, detector: FaceDetector, face: Face) -> None:
    made = Made(AnonymizeFaces(detector, FaceEmbedder()), Photo.open(PORTRAIT), [face], method=method)
    (row,) = made.rows("reidentification")
    assert row.value == "not_recognisable"
    assert row.details["found_in_copy"] is False
    assert row.threshold is not None
    assert row.score is not None
    assert row.threshold.holds(row.score)
    outside = ~region_of(face).mask(0, 0, 512, 512)
    assert np.array_equal(made.pixels[outside], PORTRAIT[outside])
    assert not made.rejected
    assert "A face that was not found is not hidden" in made.text


def test_a_face_too_small_to_compare_is_hidden_and_the_check_abstains() -> None:
    photo = Photo.open(np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8))
    made = Made(AnonymizeFaces(Blind(), SeesThrough(0), line=0.5), photo, [made_face(30, 30, 10)])
    (row,) = made.rows("reidentification")
    assert row.status == "abstained"
    assert "hidden all the same" in made.text
    assert not np.array_equal(made.pixels, photo.pixels)
    assert not made.rejected


# Whatever the check finds.


class Recognises:
    """How alike each face still is in the copy, round by round."""

    weights = "fake"
    method = Method(name="fake", version="1", licence="MIT")

    def __init__(self, alike: Sequence[Sequence[bool]], session: Session) -> None:
        self.alike, self.session, self.looks = [list(one) for one in alike], session, dict[str, int]()

    def embed(self, photo: Photo, face: Face) -> Embedding:
        look = self.looks[face.id] = self.looks.get(face.id, -1) + 1
        recognised = look == 0 or self.alike[number_of(self.session, face)][(look - 1) % 5]
        return np.eye(2, 128, dtype=np.float32)[0 if recognised else 1]


@settings(max_examples=80)
@given(
    PLACES,
    st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=4, max_size=4),
    st.lists(st.sampled_from((5.0, 60.0, 60.0)), min_size=4, max_size=4),
    CHOSEN,
    st.sampled_from(METHODS),
    st.sampled_from(("png", "jpeg")),
    st.one_of(st.sampled_from(("face 9.9.jpg", "“no face”.png", "12 of 100 %.jpg", "image 2")), st.text(max_size=20)),
    st.booleans(),
)
def test_whatever_the_check_finds_every_sentence_is_carried(
    places: list[Place],
    alike: list[list[bool]],
    eyes: list[float],
    chosen: list[bool],
    method: str,
    form: str,
    name: str,
    empty: bool,
) -> None:
    session = placed(places)
    if empty:
        session.set_faces(session.add(Photo.open(np.zeros((50, 50, 3), np.uint8))), [])
    for image in session.images:
        session._photos[image] = replace(session.photo(image), name=name)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(anonymize, "eye_distance", lambda photo, face: eyes[number_of(session, face)])
        tool = AnonymizeFaces(Blind(), Recognises(alike, session), line=0.5)
        ask(tool, session, subjects=some_of(session, chosen), method=method, format=form)


def test_there_are_no_words_for_what_is_never_done() -> None:
    photo, rows = Photo.open(np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8)), []
    for method, colours in product(METHODS, (0, 100)):
        made = Made(
            AnonymizeFaces(Blind(), SeesThrough(colours), line=0.5), photo, [made_face(150, 150, 120)], method=method
        )
        rows += made.outcome.evidence
    assert never_met(rows, "anonymised_copy", "reidentification") == []


# Who is hidden.


def test_only_the_faces_asked_for_are_hidden() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (200, 400, 3), dtype=np.uint8)
    faces = [made_face(100, 100, 80), made_face(300, 100, 80, number=2)]
    made = Made(AnonymizeFaces(Blind(), SeesThrough(10**6), line=0.5), Photo.open(pixels), faces, subjects=["face 1.2"])
    assert np.array_equal(made.pixels[:, :200], pixels[:, :200])
    assert not np.array_equal(made.pixels[:, 200:], pixels[:, 200:])
    (row,) = made.rows("anonymised_copy")
    assert (row.details["faces_hidden"], row.details["faces_left"]) == (["face 1.2"], ["face 1.1"])
    assert "Face 1.1 was left visible, as asked." in made.text
    assert made.claims[0].sentence.startswith("Face 1.2 is pixelated in the copy, “array-anonymised.png” (output 1)")
    assert not made.rejected


def test_both_faces() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (200, 400, 3), dtype=np.uint8)
    faces = [made_face(100, 100, 80), made_face(300, 100, 80, number=2)]
    made = Made(AnonymizeFaces(Blind(), SeesThrough(1000), line=0.5), Photo.open(pixels), faces, method="mask")
    assert made.claims[0].sentence.startswith("Both faces are masked")
    assert "no longer recognises either face" in made.text
    assert "trained on such faces" not in made.text
    assert not made.rejected


def test_no_face_no_copy(detector: FaceDetector) -> None:
    tool = AnonymizeFaces(detector, FaceEmbedder())
    session = Session()
    session.add(Photo.open(np.asarray(skimage.data.coffee())))
    outcome = Toolbox([DetectFaces(detector), tool]).call(session, "anonymize_faces", {})[-1]
    (row,) = outcome.evidence
    assert row.status == "not_applicable"
    assert session.outputs == {}
    (claim,) = tool.word(outcome.evidence, Names(session.images, ()))
    assert claim.sentence == "No copy of the photo was made, because no face was found in it."


def test_an_unknown_face_is_refused() -> None:
    tool = AnonymizeFaces(Blind(), SeesThrough(0), line=0.5)
    made = Made(tool, Photo.open(PORTRAIT), [made_face(220, 120, 90)], subjects=["face 1.9"])
    assert made.outcome.step.status == "refused"
    assert made.session.outputs == {}


# What the copy must not carry.


@pytest.mark.parametrize("form", ["png", "jpeg"])
def test_no_metadata_survives(form: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 1
    exif[0x010F] = "SECRETMAKER"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 30.0)
    buffer = io.BytesIO()
    Image.fromarray(PORTRAIT).save(buffer, "JPEG", exif=exif, comment=b"SECRETNOTE")
    photo = Photo.open(buffer.getvalue(), name="holiday.jpg")
    tool = AnonymizeFaces(Blind(), SeesThrough(10**6), line=0.5)
    made = Made(tool, photo, [made_face(220, 120, 90)], format=form)
    (output,) = made.session.outputs.values()
    assert output.media_type == f"image/{form}"
    assert b"SECRET" not in output.data
    copy = Image.open(io.BytesIO(output.data))
    assert not copy.getexif()
    assert not copy.getexif().get_ifd(0x8825)
    assert set(copy.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_the_copy_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(PORTRAIT[:300]).save(buffer, "PNG", exif=exif)
    photo = Photo.open(buffer.getvalue(), name="turned.png")
    made = Made(AnonymizeFaces(Blind(), SeesThrough(10**6), line=0.5), photo, [made_face(150, 120, 90)])
    assert made.pixels.shape == (512, 300, 3)
    assert np.array_equal(made.pixels[300:], photo.pixels[300:])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("photo.jpg", "photo-anonymised.png"),
        ("/home/me/a b.JPG", "a_b-anonymised.png"),
        ("C:\\pictures\\x.heic", "x-anonymised.png"),
        ("../../etc/passwd", "passwd-anonymised.png"),
        ("..", "photo-anonymised.png"),
        ("", "photo-anonymised.png"),
        ("<script>.png", "script-anonymised.png"),
    ],
)
def test_names(name: str, expected: str) -> None:
    assert copy_name(name, "png") == expected


@given(name=st.text(max_size=300))
def test_names_are_plain(name: str) -> None:
    made = copy_name(name, "jpeg")
    assert not set(made) & set('/\\:*?"<>|\0\n\r ')
    assert not made.startswith((".", "-"))
    assert made.endswith("-anonymised.jpg")
    assert len(made) < 120


def test_two_copies_have_two_names() -> None:
    session = Session()
    for place in (1, 2):
        session.add(Photo.open(PORTRAIT, name="a.png"))
        box = made_face(220, 120, 90).model_copy(update={"id": f"face {place}.1", "image": f"image {place}"})
        session.set_faces(f"image {place}", [box])
    tool = AnonymizeFaces(Blind(), SeesThrough(10**6), line=0.5)
    outcome = Toolbox([tool]).call(session, "anonymize_faces", {})[-1]
    word(tool, outcome.evidence, session)
    assert [output.name for output in session.outputs.values()] == ["a-anonymised.png", "a-anonymised-2.png"]
