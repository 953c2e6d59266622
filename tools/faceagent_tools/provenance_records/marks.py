"""What programs write into the files that they save: editors, converters, and generators of images and videos.

The tables are data. An editor's name is no sign of deception; a generator's mark says what the file claims, and like
all text in a file it can be added or removed by anyone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from faceagent_tools.provenance_records.text import clean

Kind = Literal["editor", "face editor", "developer", "converter", "unknown"]
_IGNORED = re.IGNORECASE


@dataclass(frozen=True)
class Program:
    """A program that saves pictures. pattern is searched for in what the file says."""

    name: str
    kind: Kind
    pattern: re.Pattern[str]


def _program(name: str, kind: Kind, pattern: str) -> Program:
    return Program(name, kind, re.compile(pattern, _IGNORED))


# Names as each vendor writes them into EXIF Software (EXIF 2.32, 4.6.4), XMP CreatorTool or stEvt:softwareAgent
# (ISO 16684-1, 8.4). More special before more general.
PROGRAMS: tuple[Program, ...] = (
    _program("FaceApp", "face editor", r"\bfaceapp\b"),
    _program("Facetune", "face editor", r"\bfacetune"),
    _program("Reface", "face editor", r"\breface\b"),
    _program("FaceSwap", "face editor", r"\bface[ -]?swap|\bfacefusion\b|\bdeepfacelab\b|\bdeepfacelive\b"),
    _program("Remini", "face editor", r"\bremini\b"),
    _program("YouCam", "face editor", r"\byoucam\b"),
    _program("BeautyPlus", "face editor", r"\bbeautyplus\b"),
    _program("Meitu", "face editor", r"\bmeitu"),
    _program("AirBrush", "face editor", r"\bairbrush\b"),
    _program("PortraitPro", "face editor", r"\bportrait ?pro\b"),
    _program("Perfect365", "face editor", r"\bperfect365\b"),
    _program("B612", "face editor", r"\bb612\b"),
    _program("Lensa", "face editor", r"\blensa\b"),
    _program("CapCut", "editor", r"\bcapcut\b"),
    _program("Adobe Photoshop Lightroom", "developer", r"\blightroom\b"),
    _program("Adobe Photoshop Elements", "editor", r"photoshop elements"),
    _program("Adobe Photoshop Express", "editor", r"photoshop express"),
    _program("Adobe Photoshop Camera Raw", "developer", r"camera raw"),
    _program("Adobe Photoshop", "editor", r"photoshop"),
    _program("Adobe Firefly", "editor", r"\bfirefly\b"),
    _program("Adobe Express", "editor", r"\badobe express\b"),
    _program("Adobe Illustrator", "editor", r"adobe illustrator"),
    _program("Adobe ImageReady", "converter", r"imageready"),
    _program("GIMP", "editor", r"\bgimp\b"),
    _program("Affinity Photo", "editor", r"\baffinity\b"),
    _program("Pixelmator", "editor", r"\bpixelmator\b"),
    _program("Photomator", "editor", r"\bphotomator\b"),
    _program("Paint.NET", "editor", r"\bpaint\.net\b"),
    _program("Microsoft Paint", "editor", r"\b(?:ms|microsoft) paint\b"),
    _program("Corel PaintShop Pro", "editor", r"paint ?shop ?pro"),
    _program("Corel PHOTO-PAINT", "editor", r"photo-?paint"),
    _program("ACDSee", "editor", r"\bacdsee\b"),
    _program("PhotoScape", "editor", r"\bphotoscape\b"),
    _program("Luminar", "editor", r"\bluminar\b"),
    _program("Krita", "editor", r"\bkrita\b"),
    _program("Photopea", "editor", r"\bphotopea\b"),
    _program("Pixlr", "editor", r"\bpixlr\b"),
    _program("Canva", "editor", r"\bcanva\b"),
    _program("PicsArt", "editor", r"\bpics ?art\b"),
    _program("Snapseed", "editor", r"\bsnapseed\b"),
    _program("VSCO", "editor", r"\bvsco\b"),
    _program("Polarr", "editor", r"\bpolarr\b"),
    _program("PhotoDirector", "editor", r"\bphotodirector\b"),
    _program("Fotor", "editor", r"\bfotor\b"),
    _program("Topaz", "editor", r"\btopaz\b|\bgigapixel\b"),
    _program("Capture One", "developer", r"\bcapture one\b"),
    _program("darktable", "developer", r"\bdarktable\b"),
    _program("RawTherapee", "developer", r"\brawtherapee\b"),
    _program("DxO PhotoLab", "developer", r"\bdxo\b"),
    _program("digiKam", "developer", r"\bdigikam\b"),
    _program("Picasa", "editor", r"\bpicasa\b"),
    _program("Google Photos", "editor", r"^google$|\bgoogle photos\b"),
    _program("Apple Photos", "developer", r"^(?:apple )?photos \d|\baperture \d|\biphoto\b"),
    _program("Windows Photos", "editor", r"\bwindows photo|\bmicrosoft photos\b"),
    _program("XnView", "converter", r"\bxn ?view\b"),
    _program("IrfanView", "converter", r"\birfan ?view\b"),
    _program("ImageMagick", "converter", r"\bimagemagick\b"),
    _program("GraphicsMagick", "converter", r"\bgraphicsmagick\b"),
    # What FFmpeg's libraries write: version of libavformat or libavcodec, vendor of a QuickTime track (movenc.c).
    _program("FFmpeg", "converter", r"\blavc\b|\bffmpeg\b|^lav[cf]\d|^ffmp$"),
    # The first note in a picture stream (encoder/set.c), or FFmpeg's name for it.
    _program("x264", "converter", r"^x264 - core \d|\blibx264"),
    _program("x265", "converter", r"^x265 \(build \d|\blibx265"),
    _program("HandBrake", "converter", r"\bhandbrake\b"),
    _program("GPAC", "converter", r"\bgpac\b"),
    _program("L-SMASH", "converter", r"\bl-smash\b"),
    _program("OBS Studio", "converter", r"\bobs studio\b"),
    _program("Google Inc.", "converter", r"\bfile produced by google\b"),
    _program("Adobe Premiere", "editor", r"\badobe premiere\b"),
    _program("Adobe After Effects", "editor", r"\bafter effects\b"),
    _program("Adobe Media Encoder", "converter", r"\badobe media encoder\b"),
    _program("DaVinci Resolve", "editor", r"\bdavinci resolve\b"),
    _program("Final Cut Pro", "editor", r"\bfinal cut\b"),
    _program("iMovie", "editor", r"\bimovie\b"),
    _program("GD", "converter", r"\bgd-jpeg\b"),
    _program("ExifTool", "converter", r"\bexiftool\b"),
)


@dataclass(frozen=True)
class Saying:
    """One text of a file that names a program. field: where it stands, e.g. "EXIF Software"."""

    field: str
    text: str


@dataclass(frozen=True)
class Named:
    """A program that a file names. name: the common name where it is known, else the text itself."""

    name: str
    kind: Kind
    field: str
    text: str


_CAMERAS_TOO = frozenset({"comment", "Content Credentials", "picture track", "sound track", "encoder's note"})


def programs(sayings: Iterable[Saying], by_camera: bool) -> list[Named]:
    """The programs that a file names, each once, in the order in which they stand there.

    Args:
        by_camera: the file names the camera that took it; a text that is no known program is then its firmware. In
            comments, Content Credentials and the tracks of a video only known programs count: cameras write there too.
    """
    found: dict[str, Named] = {}
    for saying in sayings:
        known = _known(saying.text)
        if known is not None:
            found.setdefault(known.name, Named(known.name, known.kind, saying.field, saying.text))
        elif not by_camera and saying.field not in _CAMERAS_TOO:
            found.setdefault(saying.text, Named(saying.text, "unknown", saying.field, saying.text))
    return list(found.values())


def firmware(sayings: Iterable[Saying]) -> list[str]:
    """What a file by a camera names that is no known program."""
    texts = (saying.text for saying in sayings if saying.field not in _CAMERAS_TOO and _known(saying.text) is None)
    return list(dict.fromkeys(texts))


def _known(text: str) -> Program | None:
    return next((program for program in PROGRAMS if program.pattern.search(text)), None)


# Generators


@dataclass(frozen=True)
class Mark:
    """A text by which a generator can be told.

    key: the fields that it may stand in (None: any). text: what must stand there (None: anything). source: where the
    habit can be seen.
    """

    generator: str
    key: re.Pattern[str] | None
    text: re.Pattern[str] | None
    source: str


def _mark(generator: str, source: str, key: str | None = None, text: str | None = None) -> Mark:
    return Mark(
        generator,
        re.compile(key, _IGNORED) if key else None,
        re.compile(text, _IGNORED) if text else None,
        source,
    )


_SETTINGS = r"\bSteps: \d+,.*\b(?:Sampler|Seed|CFG scale): "
# A caption may speak of a generator ("the head of OpenAI said …"), so names count only in fields that name the program,
# and those that are also names of companies not in a credit line either.
_PROGRAM = (
    r"^(?:EXIF (?:Software|ProcessingSoftware|Make|Model)|PNG text (?:Software|Source)|IPTC originating program"
    r"|XMP (?:xmp:CreatorTool|stEvt:softwareAgent|tiff:Software|Iptc4xmpExt:AISystemUsed)|Content Credentials"
    r"|container (?:encoder|software|com\.apple\.quicktime\.software)$)"
)
_CREDIT = (
    rf"{_PROGRAM}|^(?:EXIF Artist|IPTC (?:credit|source|by-line)|XMP (?:photoshop:(?:Credit|Source)|dc:creator)"
    r"|container (?:artist|author)$)"
)
_VENDOR = "the name that the vendor writes"

MARKS: tuple[Mark, ...] = (
    _mark("Fooocus", "lllyasviel/Fooocus, modules/meta_parser.py", key=r"^PNG text fooocus_scheme$"),
    _mark("SwarmUI", "mcmonkeyprojects/SwarmUI: sui_image_params", text=r"\bsui_image_params\b"),
    _mark(
        "Stable Diffusion web UI",
        "AUTOMATIC1111/stable-diffusion-webui, modules/images.py; many programs write the same form",
        key=r"^(?:PNG text (?:parameters|comment|description)|EXIF UserComment|comment|XMP exif:UserComment)$",
        text=_SETTINGS,
    ),
    _mark(
        "ComfyUI",
        "comfyanonymous/ComfyUI, nodes.py, SaveImage: prompt and workflow as JSON; the same in videos: SaveVideo and "
        "Kosinkadink/ComfyUI-VideoHelperSuite, VideoCombine, in the comment",
        key=r"^(?:PNG text (?:prompt|workflow)|EXIF .*|comment|container (?:prompt|workflow|comment))$",
        text=r"[\"']class_type\\?[\"']|[\"'](?:last_node_id|last_link_id)\\?[\"']",
    ),
    _mark(
        "label of generated content (GB 45438-2025)",
        "GB 45438-2025, annex E: the key AIGC, whose label is 1 for what was generated, 2 and 3 for what may be",
        key=r"^container aigc$",
        text=r"[\"']Label[\"']\s*:\s*[\"']?1\b",
    ),
    _mark(
        "InvokeAI",
        "invoke-ai/InvokeAI, image_files_disk.py; before version 3: sd-metadata, Dream",
        key=r"^PNG text (?:invokeai_metadata|invokeai_graph|invokeai_workflow|sd-metadata|dream)$",
    ),
    _mark("NovelAI", _VENDOR, key=r"^PNG text (?:Software|Source|Title)$", text=r"\bNovelAI\b"),
    _mark("Midjourney", _VENDOR, text=r"\bJob ID: [0-9a-f]{8}-[0-9a-f]{4}-"),
    _mark("Midjourney", _VENDOR, key=_CREDIT, text=r"\bmidjourney\b"),
    _mark("DALL·E", _VENDOR, key=_CREDIT, text=r"\bDALL[·.\- ]?E\b"),
    _mark("ChatGPT", _VENDOR, key=_CREDIT, text=r"\bChatGPT\b|\bGPT-4o\b|\bgpt-image"),
    _mark("OpenAI", _VENDOR, key=_PROGRAM, text=r"\bOpenAI\b"),
    _mark("Adobe Firefly", _VENDOR, key=_CREDIT, text=r"\bAdobe[ _]Firefly\b"),
    _mark("Google AI", _VENDOR, key=_CREDIT, text=r"\b(?:Made|Edited|Created) with Google AI\b"),
    _mark("Google AI", _VENDOR, key=_PROGRAM, text=r"\bGoogle (?:C2PA )?(?:Generative AI|Imagen)\b|\bGemini\b"),
    _mark("Meta AI", _VENDOR, key=_CREDIT, text=r"\b(?:Imagined?|Made) with (?:Meta )?AI\b"),
    _mark("Bing Image Creator", _VENDOR, key=_CREDIT, text=r"\bBing Image Creator\b|\bMicrosoft Designer\b"),
    _mark("Stable Diffusion", _VENDOR, key=_CREDIT, text=r"\bStable ?Diffusion\b|\bDreamStudio\b"),
    _mark("Stability AI", _VENDOR, key=_PROGRAM, text=r"\bStability ?AI\b"),
    _mark("FLUX", _VENDOR, key=_PROGRAM, text=r"\bBlack Forest Labs\b|\bFLUX\.\d"),
    _mark("Draw Things", _VENDOR, key=_PROGRAM, text=r"\bDraw Things\b"),
    _mark("Ideogram", _VENDOR, key=_CREDIT, text=r"\bideogram\b"),
    _mark("Leonardo.Ai", _VENDOR, key=_CREDIT, text=r"\bLeonardo\.ai\b"),
    _mark("Grok", _VENDOR, key=_PROGRAM, text=r"\bGrok\b"),
)


@dataclass(frozen=True)
class Marked:
    """A generator's mark in a file: what it is of, where it stands, and how it reads there."""

    generator: str
    field: str
    text: str


def generators(texts: Mapping[str, Sequence[str]]) -> list[Marked]:
    """The marks of generators in the texts of a file, one for each generator.

    Args:
        texts: by field, e.g. "PNG text parameters", "EXIF UserComment", "XMP photoshop:Credit", "container comment".
    """
    found: dict[str, Marked] = {}
    for field, values in texts.items():
        for value in values:
            for mark in MARKS:
                if _fits(mark, field, value):
                    found.setdefault(mark.generator, Marked(mark.generator, field, clean(value)))
    return list(found.values())


def _fits(mark: Mark, field: str, value: str) -> bool:
    by_key = mark.key is None or mark.key.search(field) is not None
    return by_key and (mark.text is None or mark.text.search(value) is not None)
