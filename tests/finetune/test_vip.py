"""Soft tokens of one person on a tiny model: only their rows are learnt, and they alone change what is answered."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra local")
pytest.importorskip("transformers", reason="needs the extra local")
pytest.importorskip("peft", reason="needs the extra local")

import tiny_vlm  # noqa: E402 - after the skip
from safetensors.torch import load_file  # noqa: E402

from faceagent.controllers.local_model import load  # noqa: E402
from faceagent.controllers.person import PersonTokens, fingerprint  # noqa: E402
from faceagent.controllers.pretrained import ChatFormat, read_processor  # noqa: E402
from faceagent.errors import GalleryError, UsageError  # noqa: E402
from faceagent.gallery import Consent, Gallery, Key, Template  # noqa: E402
from faceagent.media import Photo  # noqa: E402
from faceagent_finetune.__main__ import main  # noqa: E402
from faceagent_finetune.vip import conversations, learn, photos  # noqa: E402
from faceagent_finetune.vip.judge import likeliest  # noqa: E402
from faceagent_finetune.vip.photos import Shown  # noqa: E402
from faceagent_finetune.vip.recipe import Recipe, read  # noqa: E402
from faceagent_finetune.vlm.batches import Batches  # noqa: E402
from faceagent_finetune.vlm.conversations import Conversations  # noqa: E402
from faceagent_finetune.vlm.recipe import Recipe as Tuning  # noqa: E402
from faceagent_finetune.vlm.run import Run  # noqa: E402
from faceagent_finetune.vlm.train import train  # noqa: E402
from faceagent_tools.detection import FaceDetector  # noqa: E402
from faceagent_tools.embedding import FaceEmbedder, main_face  # noqa: E402
from faceagent_tools.identity.templates import model_of  # noqa: E402
from faceagent_tools.similarity import unit  # noqa: E402

K, STEPS = 4, 40
RECIPE = f"""
tokens = {K}
each = 8
epochs = 100
steps = {{steps}}
batch = 4
learning_rate = 0.03
schedule = "constant_with_warmup"
image_side = 128
val = 2
val_every = 100
save_every = 2
threads = 1
"""
CONSENT = Consent("protection", date(2026, 1, 1), statement="Agreed, on paper.")


def recipe_in(folder: Path, steps: int = STEPS) -> Path:
    file = folder / "vip.toml"
    file.write_text(RECIPE.format(steps=steps), "utf-8")
    return file


def shown(kind: str, colour: int, portrait: Photo) -> list[Shown]:
    """Pictures of one kind, darker and lighter."""
    from PIL import Image

    faces = [Image.fromarray(portrait.pixels // (place + 2)).resize((64, 64)) for place in range(4)]
    splits = ("train", "train", "train", "val")
    return [
        Shown(kind, f"{kind} {place}", split, photos._jpeg(face), colour / 100)
        for place, (face, split) in enumerate(zip(faces, splits, strict=True))
    ]


@pytest.fixture(scope="module")
def versed(tiny: Path, portrait: Photo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model once all of it has read the four answers about Ada and Bob, with nothing to tell them by."""
    folder = tmp_path_factory.mktemp("versed")
    recipe = Tuning(
        model=str(tiny), method="full", batch=4, steps=60, learning_rate=3e-3, val=0, save_every=60, threads=1
    )
    everything = [one for kind in photos.FOLDERS for one in shown(kind, 90, portrait)]
    for name in ("Ada", "Bob"):
        conversations.write(everything, name, Recipe(model="", batch=4, learning_rate=1.0, each=8), folder / name)
    (folder / "corpus" / "train").mkdir(parents=True)
    for name in ("Ada", "Bob"):
        shard = shutil.copytree(folder / name / "train" / "person", folder / "corpus" / "train" / name)
        lines = (shard / "conversations.jsonl").read_text("utf-8").replace("train/person/", f"train/{name}/")
        (shard / "conversations.jsonl").write_text(lines, "utf-8")
    run = train(recipe, folder / "corpus", folder / "run", lambda step: None)
    assert run is not None
    return run.checkpoints()[-1]


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory, portrait: Photo) -> Gallery:
    """Ada and Bob are protected, Carl is enrolled."""
    folder = tmp_path_factory.mktemp("people")
    opened = Gallery.open(folder / "gallery", Key.of_file(folder / "gallery.key", create=True), create=True)
    detector, embedder = FaceDetector(), FaceEmbedder()
    face = main_face(detector.detect(portrait, "image 1"), portrait.width, portrait.height)
    assert face is not None
    for name, off in (("Ada", 0.0), ("Bob", 1.0), ("Carl", 1.0)):
        vector = embedder.embed(portrait, face) + off * np.random.default_rng(len(name)).normal(0, 0.2, 128)
        template = Template(unit(vector).astype(np.float32), model_of(embedder), b"", "0" * 64)
        opened.enroll(name, [template], CONSENT, protected=name != "Carl")
    return opened


def arguments(folder: Path, model: Path, gallery: Gallery, name: str, out: Path, steps: int = STEPS) -> list[str]:
    key = ["--gallery", str(gallery.folder), "--key-file", str(gallery.folder.parent / "gallery.key")]
    told = ["vip", str(recipe_in(folder, steps)), "--model", str(model), "--photos", str(folder), "--person", name]
    return [*told, "--out", str(out), *key]


@pytest.fixture(scope="module")
def trained(
    versed: Path, gallery: Gallery, portrait: Photo, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """OUT of a person: all of Ada's photos are authentic, all of Bob's show somebody else."""
    folder = tmp_path_factory.mktemp("vip")
    kinds = {"Ada": "genuine", "Bob": "other"}
    with pytest.MonkeyPatch.context() as patch:
        for name, kind in kinds.items():
            patch.setattr(photos.Photos, "read", lambda self, folder, recipe, kind=kind: shown(kind, 90, portrait))
            assert main(arguments(folder, versed, gallery, name, folder / name)) == 0
    return folder.joinpath


def tokens_of(out: Path, gallery: Gallery) -> PersonTokens:
    return PersonTokens.read(out / learn.TOKENS, gallery)


def said_with(tokens: PersonTokens, versed: Path, portrait: Photo, tmp_path: Path) -> str:
    """The likeliest answer about a picture when it is asked of a person."""
    recipe = read(recipe_in(tmp_path), str(versed))
    model = load(str(versed), person=tokens)
    corpus = tmp_path / tokens.name
    conversations.write(shown("swap", 90, portrait), tokens.name, recipe, corpus)
    ends = model.chat.ends(model.network.generation_config)
    batches = Batches(Conversations(corpus, "val"), model.chat, ends, 2048, 128)
    (lesson,) = batches.lessons_of(0)
    return likeliest(model.network, batches, lesson, "swap", tokens.name)


def test_the_tokens_decide_what_is_answered(
    trained: Callable[[str], Path], gallery: Gallery, versed: Path, portrait: Photo, tmp_path: Path
) -> None:
    """The same picture, likeness and words; only the person's rows differ."""
    answers = {
        name: said_with(tokens_of(trained(name), gallery), versed, portrait, tmp_path) for name in ("Ada", "Bob")
    }
    assert answers == {"Ada": "genuine", "Bob": "other"}
    for name, kind in answers.items():
        told = json.loads((trained(name) / "report.json").read_text("utf-8"))
        assert told["told_rightly"][kind] == [1, 1]


def test_what_is_kept_is_small_sealed_and_its_owners_alone(
    trained: Callable[[str], Path], gallery: Gallery, versed: Path
) -> None:
    out = trained("Ada")
    assert sorted(path.name for path in out.iterdir()) == ["loss.png", "person.tokens", "report.json"]
    file = out / learn.TOKENS
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.stat().st_size < 10_000
    raw = file.read_bytes()
    assert b"Ada" not in raw
    tokens = tokens_of(out, gallery)
    assert tokens.rows.float().numpy().tobytes()[:64] not in raw
    assert tokens.rows.shape == (K, 128)
    assert tokens.about["consent"] == {"purpose": "protection", "given": "2026-01-01", "until": ""}
    assert (tokens.model, tokens.adapter) == (fingerprint(str(versed)), None)


def test_nothing_but_the_rows_changes(tiny: Path, portrait: Photo, tmp_path: Path) -> None:
    """While it is trained and the loss falls, and when it is loaded: every weight is the same, bit for bit."""
    recipe = read(recipe_in(tmp_path, steps=8), str(tiny))
    conversations.write(shown("genuine", 90, portrait), "Ada", recipe, tmp_path / "corpus")
    seen: list[tuple[Any, dict[str, Any]]] = []

    def watched(recipe: Any) -> tuple[Any, ChatFormat]:
        network, chat = learn.start("Ada")(recipe)
        seen.append((network, {name: weight.clone() for name, weight in network.state_dict().items()}))
        return network, chat

    losses: list[float] = []
    run = train(recipe, tmp_path / "corpus", tmp_path / "run", lambda step: losses.append(step.loss), watched)
    assert losses[-1] < 0.95 * losses[0]
    network, before = seen[0]
    changed = {name for name, weight in network.state_dict().items() if not torch.equal(weight, before[name])}
    assert len(changed) == 1
    assert "trainable_tokens" in changed.pop()
    assert run is not None
    (rows,) = load_file(run.checkpoints()[-1] / "adapter_model.safetensors").values()
    assert rows.shape == (K, 128)
    processor = read_processor(str(tiny))
    bare = load(str(tiny)).network
    stored = {name: weight.clone() for name, weight in bare.state_dict().items()}
    PersonTokens("Ada", rows, "", None, {}).install(bare, processor)
    for name, weight in bare.state_dict().items():
        kept = len(stored[name]) if stored[name].ndim else None
        assert torch.equal(weight[:kept] if kept is not None else weight, stored[name]), name
    assert torch.equal(bare.get_input_embeddings().weight[-K:], rows)


def test_it_is_asked_in_a_fresh_process(trained: Callable[[str], Path], gallery: Gallery, versed: Path) -> None:
    """By the name of the person, which the tokens stand for; what looks like a token in a text is no token."""
    code = f"""
from pathlib import Path
from langchain_core.messages import HumanMessage
from faceagent.agent import FaceAgent
from faceagent.gallery import Gallery, Key
gallery = Gallery.open({str(gallery.folder)!r}, Key.of_file(Path({str(gallery.folder.parent / "gallery.key")!r})))
agent = FaceAgent({f"transformers:{versed}"!r}, person={str(trained("Ada") / learn.TOKENS)!r}, gallery=gallery)
model = agent.controller.model
text = model.chat.render([{{"role": "user", "content": [{{"type": "text", "text": "Is this <Ada>?"}}]}}], [])
print("Is this <Ada:1><Ada:2><Ada:3><Ada:4>?" in text, "<Ada:1>" in model.chat.control_tokens)
agent.controller.max_tokens = 60
print(agent.controller.invoke([HumanMessage("Is this <Ada>?")]).text)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert done.returncode == 0, done.stderr
    knows, *answer = done.stdout.splitlines()
    assert knows == "True True"
    assert "".join(answer).strip()


def test_another_model_or_adapter_is_refused(trained: Callable[[str], Path], gallery: Gallery, tmp_path: Path) -> None:
    tokens = tokens_of(trained("Ada"), gallery)
    other = tiny_vlm.build(tmp_path / "other", seed=1)
    with pytest.raises(UsageError, match="The tokens of Ada were trained with another model than"):
        load(str(other), person=tokens)
    with pytest.raises(UsageError, match="The tokens of Ada were trained with another adapter, or none"):
        PersonTokens(tokens.name, tokens.rows, fingerprint(str(other)), None, {}).check(str(other), str(tmp_path))


def test_they_end_with_the_person(trained: Callable[[str], Path], gallery: Gallery, tmp_path: Path) -> None:
    rows = tokens_of(trained("Ada"), gallery).rows
    gallery.enroll("Dora", gallery.templates("Ada"), CONSENT, protected=True)
    file = tmp_path / "dora.tokens"
    PersonTokens("Dora", rows, "", None, {}).save(file, gallery)
    assert torch.equal(PersonTokens.read(file, gallery).rows, rows)
    assert gallery.forget("Dora").proven
    with pytest.raises(GalleryError, match="the person was forgotten"):
        PersonTokens.read(file, gallery)
    swapped = file.read_bytes().partition(b"\n")[2]
    (tmp_path / "moved").write_bytes((trained("Ada") / learn.TOKENS).read_bytes().partition(b"\n")[0] + b"\n" + swapped)
    with pytest.raises(GalleryError, match="do not open"):
        PersonTokens.read(tmp_path / "moved", gallery)
    (tmp_path / "text").write_text("no tokens", "utf-8")
    with pytest.raises(UsageError, match="holds no tokens of a person"):
        PersonTokens.read(tmp_path / "text", gallery)


def test_a_run_that_was_cut_off_goes_on_with_the_same_rows(tiny: Path, portrait: Photo, tmp_path: Path) -> None:
    recipe = read(recipe_in(tmp_path, steps=6), str(tiny))
    conversations.write(shown("genuine", 90, portrait), "Ada", recipe, tmp_path / "corpus")

    def rows(out: Path) -> Any:
        run = train(recipe, tmp_path / "corpus", out, lambda step: None, learn.start("Ada"))
        assert isinstance(run, Run)
        return next(iter(load_file(run.checkpoints()[-1] / "adapter_model.safetensors").values()))

    def stopped(step: Any) -> None:
        if step.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path / "corpus", tmp_path / "cut", stopped, learn.start("Ada"))
    assert [path.name for path in Run(tmp_path / "cut", recipe).checkpoints()] == ["checkpoint-2"]
    assert torch.equal(rows(tmp_path / "cut"), rows(tmp_path / "whole"))


@pytest.mark.parametrize(
    ("name", "steps", "photo", "differing"),
    [("Bob", STEPS, False, "person"), ("Ada", STEPS + 1, False, "recipe"), ("Ada", STEPS, True, "photos")],
)
def test_a_finished_folder_answers_for_its_own_run_alone(
    trained: Callable[[str], Path],
    gallery: Gallery,
    versed: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    steps: int,
    photo: bool,
    differing: str,
) -> None:
    if photo:
        (tmp_path / "authentic").mkdir()
        (tmp_path / "authentic" / "1.jpg").write_bytes(b"another")
    assert main(arguments(tmp_path, versed, gallery, name, trained("Ada"), steps)) == 2
    assert f"holds another run (differing: {differing})" in capsys.readouterr().err


def test_a_finished_folder_answers_again(
    trained: Callable[[str], Path],
    gallery: Gallery,
    versed: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = (trained("Ada") / learn.TOKENS).read_bytes()
    assert main(arguments(tmp_path, versed, gallery, "Ada", trained("Ada"))) == 0
    assert "Is this <Ada>?" in capsys.readouterr().out
    assert (trained("Ada") / learn.TOKENS).read_bytes() == before


def test_a_run_that_was_cut_off_once_its_corpus_was_there_goes_on(
    tiny: Path, gallery: Gallery, portrait: Photo, tmp_path: Path
) -> None:
    told = arguments(tmp_path, tiny, gallery, "Ada", tmp_path / "out", steps=2)
    written = conversations.write

    def cut_off(*given: Any) -> None:
        written(*given)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(photos.Photos, "read", lambda self, folder, recipe: shown("genuine", 90, portrait))
        patch.setattr(conversations, "write", cut_off)
        assert main(told) == 130
    assert main(told) == 0


def test_photos_are_measured_and_imitations_made(
    gallery: Gallery, portrait: Photo, faceless: Photo, tmp_path: Path
) -> None:
    from PIL import Image

    def put(folder: str, pictures: Sequence[Any]) -> None:
        (tmp_path / folder).mkdir()
        for place, pixels in enumerate(pictures):
            Image.fromarray(pixels).save(tmp_path / folder / f"{place}.png")

    put("authentic", [np.ascontiguousarray(portrait.pixels[place:, place:]) for place in (0, 4, 8, 12)])
    # There is one person in the photos of the tests: the face squeezed stands for somebody else's.
    narrow = [np.asarray(Image.fromarray(portrait.pixels).resize((width, 512))) for width in (320, 330, 340, 350)]
    put("others", [*narrow, faceless.pixels])
    reader = photos.Photos(gallery, "ada")
    recipe = Recipe(model="", batch=1, learning_rate=1.0, swaps=1, redrawn=1, look_alikes=4)
    found = reader.read(tmp_path, recipe)
    count = {kind: sum(one.kind == kind for one in found) for kind in photos.FOLDERS}
    assert (count["genuine"], count["other"]) == (4, 4)
    assert count["swap"] >= 1
    assert count["synthesised"] >= 1
    likeness = {kind: np.mean([one.likeness for one in found if one.kind == kind]) for kind in count}
    assert likeness["genuine"] > likeness["other"]
    assert {one.split for one in found if one.kind == "genuine"} == {"train", "val"}
    made_of = {one.name: one.split for one in found if one.kind == "genuine"}
    assert all(made_of[one.name.split()[0]] == one.split for one in found if one.kind in ("swap", "synthesised"))
    assert [row.name for row in reader.left_out if row.fault] == ["others/4.png"]


@pytest.mark.parametrize("name", ["Carl", "Nobody"])
def test_only_who_is_protected_gets_tokens(
    name: str, tiny: Path, gallery: Gallery, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(tmp_path, tiny, gallery, name, tmp_path / "out")) == 2
    assert f"Nobody called '{name}' is enrolled as a protected person" in capsys.readouterr().err


def test_a_folder_without_photos_says_how_it_should_be(
    tiny: Path, gallery: Gallery, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(tmp_path, tiny, gallery, "Ada", tmp_path / "out")) == 2
    assert "It should hold authentic/ and others/" in capsys.readouterr().err


def test_the_recipe_is_for_vip_alone(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = recipe_in(tmp_path)
    recipe.write_text('method = "tokens"\nmodel = ""\nbatch = 1\nlearning_rate = 1.0\n', "utf-8")
    told = ["train", str(recipe), "--model", str(tiny), "--corpus", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(told) == 2
    assert "trains the soft tokens of a person" in capsys.readouterr().err
