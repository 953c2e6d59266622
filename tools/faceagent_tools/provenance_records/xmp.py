"""XMP (ISO 16684-1): the few properties that say how a picture came about, read with defusedxml."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from faceagent_tools.provenance_records.text import MANY, clean

LARGEST = 2 * 2**20
"""Bytes of XMP that are read at most."""
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PREFIXES = {
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/xap/1.0/mm/": "xmpMM",
    "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#": "stEvt",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/camera-raw-settings/1.0/": "crs",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
}
KEPT = frozenset(
    {
        "xmp:CreatorTool",
        "xmp:CreateDate",
        "xmp:ModifyDate",
        "stEvt:softwareAgent",
        "stEvt:action",
        "stEvt:when",
        "stEvt:parameters",
        "photoshop:Credit",
        "photoshop:DateCreated",
        "photoshop:Source",
        "crs:Version",
        "exif:DateTimeOriginal",
        "exif:UserComment",
        "tiff:Software",
        "Iptc4xmpExt:DigitalSourceType",
        "Iptc4xmpExt:AISystemUsed",
        "dc:description",
        "dc:creator",
        "dcterms:provenance",
    }
)


@dataclass(frozen=True)
class XmpRecord:
    """properties: clean texts by "prefix:name", in document order, of those in KEPT. fault: why it cannot be read."""

    properties: dict[str, list[str]] = field(default_factory=dict)
    fault: str | None = None

    def texts(self, *names: str) -> list[str]:
        return [text for name in names for text in self.properties.get(name, [])]


def read(packet: bytes | str) -> XmpRecord:
    """The properties of an XMP packet. Never raises for what the packet holds."""
    data = packet.encode("utf-8", errors="replace") if isinstance(packet, str) else packet
    if len(data) > LARGEST:
        return XmpRecord(fault="the XMP block is too large to be read")
    try:
        root = fromstring(data.strip(b"\0 \r\n\t"), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return XmpRecord(fault="the XMP block is damaged")
    found: dict[str, list[str]] = {}
    for name, text in _properties(root):
        texts = found.setdefault(name, [])
        if len(texts) < MANY and (shown := clean(text, longest=400 if name.endswith("UserComment") else 200)):
            texts.append(shown)
    return XmpRecord({name: texts for name, texts in found.items() if texts})


def _properties(root: Element) -> Iterator[tuple[str, str]]:
    """Every property in KEPT with its text, in whichever of RDF's forms it is written, without recursion."""
    waiting: list[tuple[Element, str]] = [(root, "")]
    while waiting:
        element, owner = waiting.pop()
        name = _name(element.tag)
        # Values of lists stand in rdf:Seq/rdf:li below the property that they belong to.
        owner = owner if element.tag.startswith(f"{{{_RDF}}}") else name
        for key, value in element.attrib.items():
            if _name(key) in KEPT:
                yield _name(key), value
            elif key == f"{{{_RDF}}}resource" and name in KEPT:
                yield name, value
        if owner in KEPT and element.text and element.text.strip():
            yield owner, element.text
        waiting.extend((child, owner) for child in reversed(element))


def _name(qualified: str) -> str:
    namespace, _, local = qualified[1:].partition("}") if qualified.startswith("{") else ("", "", qualified)
    return f"{_PREFIXES.get(namespace, '?')}:{local}"
