"""examine_video: faces followed through the frames of a video, and what their pixels and their steadiness say.

Frames are sampled in short runs (`faceagent.video`). Each face of each frame is examined as `detect_forgery` examines
a photo; what the frames say together is in `forensics.temporal`. Frames are let go as they pass. At the end those in
which a face is seen best, and those that look worst, are read once more: the former become photos of the session, whose
faces stand for the tracks ("face 2.1"), so that every other tool can be asked about the people in a video.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from PIL import Image

from faceagent.errors import MediaError, ToolError
from faceagent.media import Photo
from faceagent.session import Session
from faceagent.tool import VIDEO, Backend, FaceTool, Names, VideoArguments
from faceagent.types import Claim, Evidence, Face
from faceagent.video import LENGTH, RUNS, Frame, Gap, Video
from faceagent_tools import forgery, pose_table, readable, similarity, video_evidence, video_words
from faceagent_tools.detection import FaceDetector
from faceagent_tools.embedding import FaceEmbedder, eye_distance
from faceagent_tools.forensics import ensemble
from faceagent_tools.forensics.ensemble import Examiner
from faceagent_tools.forensics.tracks import Seen, Tracker
from faceagent_tools.multitask import FaceReader
from faceagent_tools.video_evidence import Looked

TRACKS = 6
"""Those in the most frames are told."""
TOO_SMALL = "the face is smaller than those that the examination was measured on"


class ExamineVideo(FaceTool[VideoArguments]):
    """The tool.

    Args:
        finder, reader, embedder: shared with the other tools.
        examiner: the parts that look for forgeries.
        runs, length: of the sample: how many runs of frames, and how many frames each.
    """

    name = VIDEO
    description = (
        "Follow the faces of a video through a sample of its frames and examine each for manipulation and synthesis: "
        "an answer for each face, the stretches of time that look worst, how steady the face is (identity, points, "
        "blinks, score), and frames that cannot be decoded. Its faces can then be asked about by their ids."
    )
    arguments = VideoArguments

    def __init__(
        self,
        finder: FaceDetector,
        reader: FaceReader,
        embedder: FaceEmbedder,
        examiner: Examiner | None = None,
        *,
        runs: int = RUNS,
        length: int = LENGTH,
    ) -> None:
        self._finder, self._reader, self._embedder = finder, reader, embedder
        self._examiner = examiner or Examiner()
        self._runs, self._length = runs, length

    def run(self, session: Session, arguments: VideoArguments) -> list[Evidence]:
        found: list[Evidence] = []
        for video_id in session.videos_in(arguments.videos):
            found += session.memo((self.name, video_id), partial(self._examine, session, video_id))
        return found

    def word(self, evidence: Sequence[Evidence], names: Names) -> Sequence[Claim]:
        return video_words.word(evidence, names)

    def backends(self) -> Sequence[Backend]:
        return [Backend(self.name, video_evidence.METHOD, "method", here=True, chosen=True)]

    def _examine(self, session: Session, video_id: str) -> list[Evidence]:
        video = session.video(video_id)
        looked = self._look(video)
        best = [max(track.seen, key=_clear) for track in looked.tracks]
        worst = [max(track.examined, key=_odds, default=None) for track in looked.tracks]
        again = self._again(video, {one.time for one in (*best, *worst) if one is not None})
        faces = _taken_in(session, video_id, best, again)
        rows = video_evidence.of_video(video_id, video, looked)
        for face, track, peak in zip(faces, looked.tracks, worst, strict=True):
            rows += video_evidence.of_track(video_id, face, track, looked)
            if peak is not None:
                picture = session.illustrate(face.image, _cut_out(again[peak.time], peak.face))
                rows.append(video_evidence.worst(face, peak, len(track.examined), picture))
        return rows

    def _look(self, video: Video) -> Looked:
        """Every frame of the sample once; none is kept."""
        wanted = self._runs * self._length
        if video.rate:
            wanted = min(wanted, int(video.duration * video.rate))
        tracker, looked = Tracker(), Looked(video.duration, wanted)
        for item in self._items(video):
            if isinstance(item, Gap):
                looked.gaps.append(item)
                continue
            looked.saw(item)
            faces = sorted(self._finder.detect(item.photo, "image 0"), key=lambda face: -face.box.area)
            tracker.add([self._seen(item, face) for face in faces[: video_evidence.FACES_A_FRAME]])
        looked.tracks, looked.others = tracker.tracks[:TRACKS], len(tracker.tracks[TRACKS:])
        return looked

    def _items(self, video: Video) -> Iterator[Frame | Gap]:
        """The sample. A file that breaks off on the way ends it with a gap: what was seen before still counts."""
        time, run = 0.0, 0
        try:
            for item in video.sample(self._runs, self._length):
                time, run = item.time, item.run
                yield item
        except MediaError as error:
            yield Gap(time, run, error.message)

    def _again(self, video: Video, times: set[float]) -> dict[float, Photo]:
        """Some frames of the sample once more, by time: cheaper than to hold on to all of them meanwhile."""
        found = {
            item.time: item.photo
            for item in (self._items(video) if times else ())
            if isinstance(item, Frame) and item.time in times
        }
        if len(found) < len(times):
            raise ToolError(f"“{video.name}” changed while it was being examined", "Examine it again")
        return found

    def _seen(self, frame: Frame, face: Face) -> Seen:
        photo, time, run, table = frame.photo, frame.time, frame.run, ensemble.stack()
        # Widths differ from frame to frame: one reason for all, so that they can be counted.
        if reason := TOO_SMALL if face.box.width < readable.MIN_WIDTH else readable.why_not(photo, face):
            return Seen(time, run, face, reason=reason)
        known = eye_distance(photo, face) >= similarity.table().smallest_eye_distance
        embedding = self._embedder.embed(photo, face) if known else None
        reading = self._reader.read_photo(photo, face)
        if reason := readable.why_not(photo, face, reading):
            return Seen(time, run, face, embedding, reason=reason)
        closed = None
        if abs(reading.pose.yaw) <= pose_table.EYES_YAW:
            closed = all(pose_table.eye(one, pose_table.table()) == "closed" for one in reading.openings[:2])
        if face.box.width < table.smallest:
            return Seen(time, run, face, embedding, reading.points, closed, reason=TOO_SMALL)
        examined = self._examiner.examine(photo, face, reading.points)
        if reason := forgery.unlike(examined, table):
            return Seen(time, run, face, embedding, reading.points, closed, reason=reason)
        score = examined.log_odds, examined.probability, examined.synthetic
        return Seen(time, run, face, embedding, reading.points, closed, *score)


def _clear(one: Seen) -> tuple[bool, bool, float]:
    """Which frame shows a face best: one that was examined or at least read, the larger the better."""
    return one.log_odds is not None, one.points is not None, one.face.box.area


def _odds(one: Seen) -> float:
    return one.log_odds or 0.0


def _taken_in(session: Session, video_id: str, best: Sequence[Seen], frames: Mapping[float, Photo]) -> list[Face]:
    """Make the frames in which tracks are seen best stills of the video; the faces that stand for the tracks, in order.

    A still has only those faces, so that nobody is there twice.
    """
    times = sorted({one.time for one in best})
    stills = dict(zip(times, session.add_stills(video_id, [frames[time] for time in times]), strict=True))
    named: dict[int, Face] = {}
    for time, image in stills.items():
        inside = sorted((one for one in best if one.time == time), key=lambda one: one.face.box.centre)
        for number, one in enumerate(inside, start=1):
            face_id = f"face {image.removeprefix('image ')}.{number}"
            named[id(one)] = one.face.model_copy(update={"id": face_id, "image": image})
        session.set_faces(image, [named[id(one)] for one in inside])
    return [named[id(one)] for one in best]


def _cut_out(photo: Photo, face: Face) -> bytes:
    """A face with some surroundings, as a PNG, which adds no traces of its own."""
    box = face.box.scaled_about_centre(1.6).clipped(photo.width, photo.height)
    place = (round(box.x0), round(box.y0), max(round(box.x1), round(box.x0) + 1), max(round(box.y1), round(box.y0) + 1))
    buffer = io.BytesIO()
    Image.fromarray(photo.pixels).crop(place).save(buffer, format="PNG")
    return buffer.getvalue()
