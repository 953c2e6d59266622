"""One conversation: photos ("image 1"), videos ("video 1"), faces ("face 1.2"), files made and the evidence ledger.

Tools receive ids and a Session, never pixels or paths from a model, so that a model cannot invent a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from faceagent import saved
from faceagent.errors import UnknownReference, UsageError
from faceagent.media import Limits, Photo
from faceagent.saved import Saved, SavedFile, SavedStill
from faceagent.types import Box, Evidence, Exhibit, Face, Turn
from faceagent.video import Video

if TYPE_CHECKING:
    from faceagent.gallery import Gallery

T = TypeVar("T")
_IMAGE_ID = re.compile(r"image (\d+)")
_FACE_ID = re.compile(r"face (\d+)\.(\d+)")
_ID = re.compile(r"(?:image|video) \d+|face \d+\.\d+")


class Ledger:
    """All evidence of a session in the order in which it was recorded, each under an id that is never reused."""

    def __init__(self, rows: Sequence[Evidence] = ()) -> None:
        self._rows = {row.id: row for row in rows}

    def record(self, evidence: Evidence) -> Evidence:
        """Store a copy under the next free id and return it."""
        recorded = evidence.model_copy(update={"id": f"e{len(self._rows) + 1}"})
        self._rows[recorded.id] = recorded
        return recorded

    def get(self, evidence_id: str) -> Evidence | None:
        return self._rows.get(evidence_id)

    def all(self) -> tuple[Evidence, ...]:
        return tuple(self._rows.values())


@dataclass(frozen=True)
class Output:
    """A file that a tool made, e.g. an anonymised copy."""

    name: str
    media_type: str
    data: bytes


class Session:
    """The state that tools share. Not thread-safe: one session, one conversation.

    purpose: what the faces are read for, as stated by whoever asks (a name in purposes.toml), or None; see
    `faceagent.policy`. It holds for the whole conversation.
    gallery: the people who are enrolled, or None where nobody is.
    """

    def __init__(self, purpose: str | None = None, gallery: Gallery | None = None) -> None:
        self.ledger = Ledger()
        self._photos: dict[str, Photo] = {}
        self._taken_in = 0
        self._faces: dict[str, tuple[Face, ...]] = {}
        self._videos: dict[str, Video] = {}
        self._stills: dict[str, tuple[str, ...]] = {}
        self._outputs: dict[str, Output] = {}
        self._made = 0
        self._pictures: dict[str, bytes | Callable[[], bytes]] = {}
        self._places: dict[str, Box] = {}
        self._illustrated = 0
        self._turns: list[Turn] = []
        self._memory: dict[Hashable, object] = {}
        self._purpose = purpose
        self.gallery = gallery

    @property
    def purpose(self) -> str | None:
        return self._purpose

    # Photos

    def add(self, photo: Photo) -> str:
        """Take in a photo and return its id."""
        self._taken_in += 1
        image_id = f"image {self._taken_in}"
        self._photos[image_id] = photo
        return image_id

    def release(self, image_id: str) -> None:
        """Let go of a photo and its faces, so that a batch does not hold all its pixels. Its evidence stays.

        Raises:
            UnknownReference: there is no such photo.
        """
        self.photo(image_id)
        del self._photos[image_id]
        gone = {face.id for face in self._faces.pop(image_id, ())}
        self._memory = {
            key: value for key, value in self._memory.items() if not (isinstance(key, tuple) and gone.intersection(key))
        }
        self._pictures = {key: data for key, data in self._pictures.items() if not key.startswith(f"{image_id}:")}

    @property
    def images(self) -> tuple[str, ...]:
        return tuple(self._photos)

    def photo(self, image_id: str) -> Photo:
        """The photo with this id.

        Raises:
            UnknownReference: there is none.
        """
        if image_id not in self._photos:
            raise _unknown(image_id, self._photos, "photo")
        return self._photos[image_id]

    def exhibits(self) -> tuple[Exhibit, ...]:
        videos = (video.exhibit(video_id) for video_id, video in self._videos.items())
        return (*videos, *(photo.exhibit(image_id) for image_id, photo in self._photos.items()))

    # Videos

    def add_video(self, video: Video) -> str:
        """Take in a video and return its id. Tools see of it what `add_stills` takes out."""
        video_id = f"video {len(self._videos) + 1}"
        self._videos[video_id] = video
        return video_id

    @property
    def videos(self) -> tuple[str, ...]:
        return tuple(self._videos)

    def video(self, video_id: str) -> Video:
        """The video with this id.

        Raises:
            UnknownReference: there is none.
        """
        if video_id not in self._videos:
            raise _unknown(video_id, self._videos, "video")
        return self._videos[video_id]

    def add_stills(self, video_id: str, frames: Sequence[Photo]) -> tuple[str, ...]:
        """Take in the frames in which a video's faces are seen best, as photos like any other; returns their ids.

        Raises:
            UnknownReference: there is no such video.
        """
        self.video(video_id)
        # The same frames once more are the same photos: nobody is to appear twice.
        known = {self.photo(image).sha256: image for image in self._stills.get(video_id, ())}
        self._stills[video_id] = tuple(known.get(frame.sha256) or self.add(frame) for frame in frames)
        return self._stills[video_id]

    def stills(self, video_id: str) -> tuple[str, ...] | None:
        """The photos taken out of a video; None before it was looked at."""
        self.video(video_id)
        return self._stills.get(video_id)

    # Faces

    def detected(self, image_id: str) -> bool:
        """Whether faces were looked for in this photo (none may have been found)."""
        return image_id in self._faces

    def set_faces(self, image_id: str, faces: Sequence[Face]) -> None:
        self.photo(image_id)
        self._faces[image_id] = tuple(faces)

    def faces(self, image_id: str | None = None) -> tuple[Face, ...]:
        """Faces of one photo, or of all. Empty before detection: see `detected`."""
        if image_id is not None:
            self.photo(image_id)
            return self._faces.get(image_id, ())
        return tuple(face for faces in self._faces.values() for face in faces)

    def face(self, face_id: str) -> Face:
        """The face with this id.

        Raises:
            UnknownReference: there is none.
        """
        for face in self.faces():
            if face.id == face_id:
                return face
        raise _unknown(face_id, [face.id for face in self.faces()], "face")

    # References

    def image_of(self, reference: str) -> str:
        """The image id that a reference ("image 1", "face 1.2", "face 1.1 + face 2.1": the first) points into.

        Raises:
            UnknownReference: it is neither, or that photo does not exist.
        """
        first = reference.split(" + ")[0]
        match = _IMAGE_ID.fullmatch(first) or _FACE_ID.fullmatch(first)
        if match is None:
            raise UnknownReference(
                f"{reference!r} is neither an image nor a face", 'Ids look like "image 1" and "face 1.2"'
            )
        image_id = f"image {match.group(1)}"
        self.photo(image_id)
        return image_id

    def faces_in(self, references: Sequence[str]) -> tuple[Face, ...]:
        """The faces that references name, in order and once each; an image stands for all its faces.

        No reference means every face of the session. Faces must have been detected before.

        Raises:
            UnknownReference: an id does not exist.
        """
        found: dict[str, Face] = {}
        for reference in references or self.images:
            image_id = self.image_of(reference)
            named = self.faces(image_id) if reference == image_id else (self.face(reference),)
            found.update({face.id: face for face in named})
        return tuple(found.values())

    def images_in(self, references: Sequence[str]) -> tuple[str, ...]:
        """The images that references point into, in order and once each; none means all.

        Raises:
            UnknownReference: an id does not exist.
        """
        return tuple(dict.fromkeys(self.image_of(reference) for reference in references or self.images))

    def videos_in(self, references: Sequence[str]) -> tuple[str, ...]:
        """The videos with these ids, in order and once each; none means all.

        Raises:
            UnknownReference: an id does not exist.
        """
        for reference in references:
            self.video(reference)
        return tuple(dict.fromkeys(references or self.videos))

    def files_in(self, images: Sequence[str], videos: Sequence[str]) -> tuple[str, ...]:
        """The photos and videos with these ids; none of either means all, but for the frames taken out of videos.

        Raises:
            UnknownReference: an id does not exist.
        """
        if images or videos:
            return (*(self.images_in(images) if images else ()), *(self.videos_in(videos) if videos else ()))
        stills = {image for of_one in self._stills.values() for image in of_one}
        return (*(image for image in self.images if image not in stills), *self.videos)

    # What was said

    def add_turn(self, turn: Turn) -> None:
        """Note a question and what was said, for the questions that follow."""
        self._turns.append(turn)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Earlier questions, oldest first."""
        return tuple(self._turns)

    # Files made and work remembered

    def add_output(self, output: Output) -> str:
        self._made += 1
        output_id = f"output {self._made}"
        self._outputs[output_id] = output
        return output_id

    @property
    def outputs(self) -> dict[str, Output]:
        return dict(self._outputs)

    def illustrate(self, image_id: str, picture: bytes | Callable[[], bytes], place: Box | None = None) -> str:
        """Keep an encoded image that shows what evidence on a photo is about: a heatmap, an embedded thumbnail.

        Args:
            picture: or what draws it, called when somebody first looks at it.
            place: the part of the upright photo that it was drawn over, so that both can be laid over each other.

        Returns:
            Its id, for `Evidence.details["picture"]`: a report shows it beside the photo. It goes with the photo.

        Raises:
            UnknownReference: there is no such photo.
        """
        self.photo(image_id)
        self._illustrated += 1
        picture_id = f"{image_id}: picture {self._illustrated}"
        self._pictures[picture_id] = picture
        if place is not None:
            self._places[picture_id] = place
        return picture_id

    def picture(self, picture_id: str) -> bytes | None:
        picture = self._pictures.get(picture_id)
        if callable(picture):
            picture = self._pictures[picture_id] = picture()
        return picture

    def place_of(self, picture_id: str) -> Box | None:
        """The part of the photo that a picture was drawn over; None where it does not lie over the photo."""
        return self._places.get(picture_id)

    def memo(self, key: Hashable, compute: Callable[[], T]) -> T:
        """`compute()` once per key: e.g. the embedding of a face that two tools need.

        What has a face's id in its key is forgotten when its photo is released.
        """
        if key not in self._memory:
            self._memory[key] = compute()
        return cast(T, self._memory[key])

    # As a file

    def save(self, path: str | Path) -> None:
        """Write the conversation to a JSON file, to be taken up again with `FaceAgent.resume`.

        It holds the questions and answers, the evidence (with what files' records say, such as a place), where the
        faces are, and paths and SHA-256 of the photos and videos; neither their pixels nor templates of faces, nor
        files that tools made.

        Raises:
            UsageError: a photo was given as bytes or pixels, so that it could not be opened again; or the file cannot
                be written.
        """
        of_videos = {image for images in self._stills.values() for image in images}
        files = {key: photo for key, photo in self._photos.items() if key not in of_videos}
        state = Saved(
            purpose=self._purpose,
            photos=tuple(_file(key, photo) for key, photo in files.items()),
            videos=tuple(_file(key, video) for key, video in self._videos.items()),
            stills=tuple(
                SavedStill(id=image, video=video_id, sha256=self.photo(image).sha256)
                for video_id, images in self._stills.items()
                for image in images
            ),
            looked_at=tuple(self._stills),
            faces=self._faces,
            evidence=self.ledger.all(),
            turns=self.turns,
            taken_in=self._taken_in,
            illustrated=self._illustrated,
            outputs=self._made,
        )
        saved.write(state, Path(path))

    @staticmethod
    def resume(path: str | Path, limits: Limits | None = None, gallery: Gallery | None = None) -> Session:
        """The conversation that `save` wrote, its photos and videos opened again.

        Raises:
            MediaError: the file, or a photo or video of it, is missing, damaged or has changed.
        """
        state, limits = saved.read(Path(path)), limits or Limits()
        session = Session(state.purpose, gallery)
        session.ledger = Ledger(state.evidence)
        session._turns = list(state.turns)
        session._videos = {item.id: saved.video(item, limits) for item in state.videos}
        photos = {item.id: saved.photo(item, limits) for item in state.photos}
        for video_id in state.looked_at:
            wanted = tuple(still for still in state.stills if still.video == video_id)
            frames = saved.stills(session.video(video_id), wanted)
            photos.update(zip((still.id for still in wanted), frames, strict=True))
            session._stills[video_id] = tuple(still.id for still in wanted)
        session._photos = dict(sorted(photos.items(), key=lambda item: int(item[0].split()[1])))
        session._faces = {image: faces for image, faces in state.faces.items() if image in photos}
        session._taken_in, session._illustrated, session._made = state.taken_in, state.illustrated, state.outputs
        return session


def _unknown(reference: str, known: Iterable[str], kind: str) -> UnknownReference:
    """That there is no such id, and which there are. What has not the form of an id is quoted."""
    said = reference if _ID.fullmatch(reference) else f"“{reference}”"
    return UnknownReference(f"This conversation has no {said}", f"It has {', '.join(known) or f'no {kind}'}")


def _file(exhibit_id: str, exhibit: Photo | Video) -> SavedFile:
    if exhibit.path is None:
        raise UsageError(
            f"{exhibit_id} was given as bytes or pixels, so that the conversation could not be taken up again",
            "Give photos by their paths",
        )
    return SavedFile(id=exhibit_id, name=exhibit.name, path=str(exhibit.path.absolute()), sha256=exhibit.sha256)
