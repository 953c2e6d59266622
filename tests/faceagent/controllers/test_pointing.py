"""Whom a question means in Spanish, French, German and Chinese, as people type it; and that nothing is guessed."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceagent.controllers.draft import Earlier, View
from faceagent.controllers.plan import plan
from faceagent.controllers.pointing import languages, plain, spoken
from faceagent.controllers.refer import doubts_only, points_only, references, without_age_reference
from faceagent.controllers.sequence import in_sequence

ALL = ("detect_faces", "estimate_pose", "compare_faces", "assess_quality", "inspect_provenance", "estimate_attributes")


def photo(*counts: int, by_age: tuple[tuple[str, float], ...] | None = None) -> View:
    """Photos with so many faces each."""
    faces = {
        f"image {image}": tuple(f"face {image}.{face}" for face in range(1, count + 1))
        for image, count in enumerate(counts, start=1)
    }
    return View(dict(faces), {}, by_age)


VIEWS = {"two": photo(2), "three": photo(3), "five": photo(5), "1+1": photo(1, 1), "1+2": photo(1, 2)}
VIEWS["aged"] = photo(2, by_age=(("face 1.2", 50.0), ("face 1.1", 20.0)))
LEFT, RIGHT, FIRST, SECOND = ["face 1.1"], ["face 1.2"], ["image 1"], ["image 2"]

# question, view, whom the last answer was about, whom it means; "ask": one of several, "all": everybody in view
Row = tuple[str, str, list[str], list[str] | Literal["ask", "all"]]
SAID: dict[str, list[Row]] = {
    "es": [
        ("¿Cuántos años tiene la mujer de la izquierda?", "two", [], LEFT),
        ("cuantos años tiene el de la derecha", "two", [], RIGHT),
        ("¿Sonríe la segunda persona?", "three", [], RIGHT),
        ("La tercera por la derecha, ¿lleva gafas?", "five", [], ["face 1.3"]),
        ("el chico del medio lleva gorra?", "three", [], RIGHT),
        ("¿y la otra?", "two", LEFT, RIGHT),
        ("¿Y los demás?", "three", LEFT, ["face 1.2", "face 1.3"]),
        ("¿Es ella mayor que la otra?", "two", LEFT, ["face 1.1", "face 1.2"]),
        ("qué edad tiene ella", "two", [], "ask"),
        ("¿La mujer lleva pendientes?", "two", [], "ask"),
        ("¿la rubia está sonriendo?", "three", [], "ask"),
        ("y el otro?", "three", LEFT, "ask"),
        ("¿Lleva gafas el más joven?", "aged", [], LEFT),
        ("¿la mayor de las dos sonríe?", "aged", [], RIGHT),
        ("¿Qué pone en los metadatos de la segunda foto?", "1+1", [], SECOND),
        ("se ve nítida la foto 1?", "1+1", [], FIRST),
        ("y la otra foto?", "1+1", SECOND, FIRST),
        ("¿Cuántos años tienen todos?", "two", LEFT, "all"),
        ("¿Está mirando a la izquierda?", "two", [], "all"),
        ("¿Es la misma persona?", "two", [], "all"),
        ("¿La cara de la derecha está borrosa?", "1+2", [], ["face 2.2"]),
        ("tapa a todos menos al de en medio", "three", [], ["face 1.1", "face 1.3"]),
        ("¿el segundo a la derecha sonríe?", "five", [], ["face 1.4"]),
        ("la de gafas cuantos años tiene", "two", [], "ask"),
        ("¿Cuántos años tiene la mujer que está a su lado?", "three", LEFT, RIGHT),
        ("¿Y la siguiente?", "three", LEFT, RIGHT),
        ("¿Cuántos años tiene el que está a la izquierda de la cara 1.3?", "three", [], RIGHT),
        ("¿Cuántos años tiene la mujer al lado del hombre de la izquierda?", "three", [], RIGHT),
        ("¿Cuántos años tiene el hombre a su derecha?", "three", RIGHT, "ask"),
        ("¿Quién es el que está junto a mi tía?", "three", LEFT, "ask"),
        ("No la de la izquierda, la de la derecha", "two", [], RIGHT),
        ("¿Cuántos años tienen los dos de la izquierda?", "three", [], ["face 1.1", "face 1.2"]),
        ("¿Cuántos años tienen las personas de la izquierda?", "three", [], "ask"),
        ("¿Sonríe la persona 2?", "three", [], RIGHT),
        ("¿Cuántos años tiene la persona 9?", "three", [], "ask"),
    ],
    "fr": [
        ("Quel âge a la femme à gauche ?", "two", [], LEFT),
        ("quel age a le mec de droite", "two", [], RIGHT),
        ("La deuxième personne sourit-elle ?", "three", [], RIGHT),
        ("Le troisième en partant de la droite porte des lunettes ?", "five", [], ["face 1.3"]),
        ("celui du milieu a un chapeau ?", "three", [], RIGHT),
        ("et l'autre ?", "two", LEFT, RIGHT),
        ("Et les autres ?", "three", LEFT, ["face 1.2", "face 1.3"]),
        ("Est-elle plus âgée que l’autre ?", "two", LEFT, ["face 1.1", "face 1.2"]),
        ("Quel âge a-t-elle ?", "two", [], "ask"),
        ("Est-ce que cet homme a une barbe ?", "two", [], "ask"),
        ("la blonde sourit ?", "three", [], "ask"),
        ("et l'autre", "three", LEFT, "ask"),
        ("La plus jeune porte-t-elle des lunettes ?", "aged", [], LEFT),
        ("est-ce que le plus vieux des deux sourit", "aged", [], RIGHT),
        ("Que disent les métadonnées de la deuxième photo ?", "1+1", [], SECOND),
        ("la photo 1 est-elle nette ?", "1+1", [], FIRST),
        ("et l'autre photo ?", "1+1", SECOND, FIRST),
        ("Quel âge ont-ils tous ?", "two", LEFT, "all"),
        ("Cette photo est-elle authentique ?", "two", [], "all"),
        ("Combien de visages y a-t-il ?", "two", [], "all"),
        ("Le visage à droite est flou ?", "1+2", [], ["face 2.2"]),
        ("Est-ce que la dame de gauche regarde vers la droite ?", "two", [], LEFT),
        ("floute tout le monde sauf la dame à gauche", "three", [], ["face 1.2", "face 1.3"]),
        ("le dernier à droite a l’air content ?", "five", [], ["face 1.5"]),
        ("la deuxième personne à droite ?", "five", [], ["face 1.4"]),
        ("celle avec les lunettes, quel âge ?", "two", [], "ask"),
        ("Est-ce qu’il est possible que la photo soit retouchée ?", "two", [], "all"),
        ("Quel âge a la femme à côté d’elle ?", "three", LEFT, RIGHT),
        ("Et la suivante ?", "three", LEFT, RIGHT),
        ("Quel âge a celui à gauche du visage 1.3 ?", "three", [], RIGHT),
        ("Quel âge a la femme à côté de celui de gauche ?", "three", [], RIGHT),
        ("Quel âge a l'homme à sa droite ?", "three", RIGHT, "ask"),
        ("Qui est la dame à côté de ma tante ?", "three", LEFT, "ask"),
        ("Pas celle de gauche, celle de droite", "two", [], RIGHT),
        ("Quel âge ont les deux à gauche ?", "three", [], ["face 1.1", "face 1.2"]),
        ("Quel âge ont les personnes de gauche ?", "three", [], "ask"),
        ("Est-ce que la personne 2 sourit ?", "three", [], RIGHT),
        ("Quel âge a la personne 9 ?", "three", [], "ask"),
    ],
    "de": [
        ("Wie alt ist die Frau links?", "two", [], LEFT),
        ("wie alt ist der rechte typ", "two", [], RIGHT),
        ("Lächelt die zweite Person?", "three", [], RIGHT),
        ("Trägt der Dritte von rechts eine Brille?", "five", [], ["face 1.3"]),
        ("hat der in der mitte einen hut auf?", "three", [], RIGHT),
        ("und die andere?", "two", LEFT, RIGHT),
        ("Und die anderen?", "three", LEFT, ["face 1.2", "face 1.3"]),
        ("Ist sie älter als der andere?", "two", LEFT, ["face 1.1", "face 1.2"]),
        ("Wie alt ist sie?", "two", [], "ask"),
        ("Hat dieser Mann einen Bart?", "two", [], "ask"),
        ("lächelt die blonde frau?", "three", [], "ask"),
        ("was ist mit dem anderen?", "three", LEFT, "ask"),
        ("Trägt die Jüngere Ohrringe?", "aged", [], LEFT),
        ("lächelt der aelteste", "aged", [], RIGHT),
        ("Was steht in den Metadaten vom zweiten Foto?", "1+1", [], SECOND),
        ("Ist Bild 1 scharf?", "1+1", [], FIRST),
        ("und das andere Foto?", "1+1", SECOND, FIRST),
        ("Wie alt sind sie?", "two", LEFT, "all"),
        ("Könnte das gefälscht sein?", "two", [], "all"),
        ("Können Sie mir sagen, wie alt er ist?", "two", RIGHT, RIGHT),
        ("Schaut die linke Frau nach rechts?", "two", [], LEFT),
        ("Ist ihr linkes Auge offen?", "two", RIGHT, RIGHT),
        ("Ist das Gesicht rechts unscharf?", "1+2", [], ["face 2.2"]),
        ("mach alle unkenntlich außer die Frau links", "three", [], ["face 1.2", "face 1.3"]),
        ("der zweite rechts, lächelt der?", "five", [], ["face 1.4"]),
        ("die mit der brille, wie alt ist die", "two", [], "ask"),
        ("wie alt ist der neben der tür", "two", [], "ask"),
        ("Wie alt ist die Frau neben ihr?", "three", LEFT, RIGHT),
        ("Und die nächste?", "three", LEFT, RIGHT),
        ("Wie alt ist der links von Gesicht 1.3?", "three", [], RIGHT),
        ("Wie alt ist die Frau neben dem Mann links?", "three", [], RIGHT),
        ("Wie alt ist der Mann zu ihrer Rechten?", "three", RIGHT, "ask"),
        ("Wer ist die Frau neben meiner Tante?", "three", LEFT, "ask"),
        ("Nicht die linke, die rechte", "two", [], RIGHT),
        ("Wie alt sind die zwei links?", "three", [], ["face 1.1", "face 1.2"]),
        ("Wie alt sind die Leute links?", "three", [], "ask"),
        ("Lächelt Gesicht 2?", "three", [], RIGHT),
        ("Wie alt ist Person 9?", "three", [], "ask"),
        ("Ist die Person 18?", "three", RIGHT, RIGHT),
    ],
    "zh": [
        ("左边的女人多大了?", "two", [], LEFT),
        ("右边那个男的戴眼镜吗", "two", [], RIGHT),
        ("第二个人在笑吗？", "three", [], RIGHT),
        ("从右边数第三个人戴眼镜吗？", "five", [], ["face 1.3"]),
        ("左起第二位多大年纪", "five", [], RIGHT),
        ("中间那个人戴帽子了吗", "three", [], RIGHT),
        ("那另一个呢？", "two", LEFT, RIGHT),
        ("其他人呢？", "three", LEFT, ["face 1.2", "face 1.3"]),
        ("她比另一个人年纪大吗？", "two", LEFT, ["face 1.1", "face 1.2"]),
        ("她多大了？", "two", [], "ask"),
        ("这个男人有胡子吗", "two", [], "ask"),
        ("金发的女人在笑吗？", "three", [], "ask"),
        ("另一个呢", "three", LEFT, "ask"),
        ("年轻的那个戴耳环吗？", "aged", [], LEFT),
        ("年纪大的那位在笑吗", "aged", [], RIGHT),
        ("第二张照片的元数据里有什么？", "1+1", [], SECOND),
        ("照片1清晰吗", "1+1", [], FIRST),
        ("另一张照片呢？", "1+1", SECOND, FIRST),
        ("他们多大？", "two", LEFT, "all"),
        ("照片里有几个人？", "two", [], "all"),
        ("她在看左边吗？", "two", RIGHT, RIGHT),
        ("右边的脸模糊吗？", "1+2", [], ["face 2.2"]),
        ("是同一个人吗？", "two", [], "all"),
        ("除了左边的人以外都打码", "three", [], ["face 1.2", "face 1.3"]),
        ("除了她以外所有人都打码", "two", LEFT, RIGHT),
        ("这张照片是真的吗", "two", [], "all"),
        ("這個人看起來幾歲", "two", [], "ask"),
        ("左边第二个在笑吗", "five", [], RIGHT),
        ("她旁边的女人多大了?", "three", LEFT, RIGHT),
        ("下一个呢？", "three", LEFT, RIGHT),
        ("face 1.3左边的人多大？", "three", [], RIGHT),
        ("左边那个男人旁边的女人多大？", "three", [], RIGHT),
        ("她右边的男人多大", "three", RIGHT, "ask"),
        ("总统旁边的女人是谁", "three", LEFT, "ask"),
        ("不是左边的，是右边的", "two", [], RIGHT),
        ("左边的两个人多大？", "three", [], ["face 1.1", "face 1.2"]),
        ("左边的那些人多大", "three", [], "ask"),
        ("人脸2多大？", "three", [], RIGHT),
        ("9号人呢", "three", LEFT, "ask"),
    ],
}
ROWS = [(language, *row) for language, rows in SAID.items() for row in rows]


@pytest.mark.parametrize(("language", "question", "view", "last", "whom"), ROWS)
def test_whom_a_question_means(
    language: str, question: str, view: str, last: list[str], whom: list[str] | Literal["ask", "all"]
) -> None:
    found = references(question, VIEWS[view], [Earlier("Is the photo sharp?", tuple(last))] if last else [])
    assert spoken(question).name == language
    assert bool(found.choices) is (whom == "ask")
    assert list(found.subjects) == ([] if whom in ("ask", "all") else whom)


POINTING = """¿y la otra? / la de la izquierda / et l'autre ? / celui de droite / à gauche / und der andere? /
die linke / rechts / die auf dem zweiten Bild meine ich / 那另一个呢？ / 左边那个 / 右边的呢 / 第二个 / 她呢？ /
¿Y la mujer de al lado? / Et la femme à côté ? / Und die Frau daneben? / 那她旁边的人呢？"""
ASKING = """¿y ahora? / ¿quién es la otra? / gracias / qui est l'autre ? / merci / et maintenant ? /
wer ist die andere? / danke / vergleich die beiden / 她多大 / 谢谢 / 第二张照片是真的吗 / 他们是同一个人吗"""


@pytest.mark.parametrize("question", [text.strip() for text in POINTING.split("/")])
def test_questions_that_do_nothing_but_point(question: str) -> None:
    assert points_only(question)


@pytest.mark.parametrize("question", [text.strip() for text in ASKING.split("/")])
def test_questions_that_ask_something_of_their_own(question: str) -> None:
    assert not points_only(question)


@pytest.mark.parametrize(
    ("before", "question"),
    [
        ("¿Sonríe la mujer de la izquierda?", "¿y la otra?"),
        ("La femme à gauche sourit-elle ?", "et l'autre ?"),
        ("Lächelt die Frau links?", "und die andere?"),
        ("左边的女人在笑吗？", "那另一个呢？"),
    ],
)
def test_the_last_question_is_repeated_on_somebody_else(before: str, question: str) -> None:
    (call,) = plan(question, VIEWS["two"], ALL, [Earlier(before, ("face 1.1",))]).calls
    assert (call.tool, call.arguments) == ("estimate_attributes", '{"about": ["smile"], "subjects": ["face 1.2"]}')


DOUBTING = """are you sure? / Really?? / But why? / How do you know that? / is that right / ¿Estás seguro? / ¿Por qué? /
tu es sûr ? / pourquoi / Bist du dir da sicher? / Warum? / wirklich / 你确定吗？ / 真的吗"""


@pytest.mark.parametrize("question", [text.strip() for text in DOUBTING.split("/")])
def test_a_doubt_is_answered_by_what_was_asked_before(question: str) -> None:
    before = Earlier("Does the woman on the left smile?", ("face 1.1",))
    assert doubts_only(question)
    assert plan(question, VIEWS["two"], ALL, [before]).calls == plan(before.question, VIEWS["two"], ALL).calls
    assert plan(question, VIEWS["two"], ALL, [before, Earlier("why?", ("face 1.1",))]).calls


def test_a_doubt_about_somebody_else() -> None:
    before = Earlier("Does the woman on the left smile?", ("face 1.1",))
    (call,) = plan("Are you sure about the second?", VIEWS["two"], ALL, [before]).calls
    assert call.arguments == '{"about": ["smile"], "subjects": ["face 1.2"]}'
    assert not doubts_only("Are you sure she is 18?")


@pytest.mark.parametrize(
    ("question", "without"),
    [
        ("¿Lleva gafas la más joven?", "¿Lleva gafas la persona?"),
        ("L’aînée sourit-elle ?", "la personne sourit-elle ?"),
        ("Trägt der Ältere eine Brille?", "Trägt die Person eine Brille?"),
        ("年纪大的那位在笑吗", "那个人在笑吗"),
    ],
)
def test_the_older_one_is_no_question_of_age(question: str, without: str) -> None:
    assert without_age_reference(question) == without
    (call,) = plan(question, VIEWS["two"], ALL).calls
    assert call.arguments == '{"about": ["age_order"]}'


@pytest.mark.parametrize(
    "question",
    ["¿Quién es el mayor?", "Lequel est le plus âgé ?", "Wer von beiden ist der Ältere?", "谁是年纪大的那个？"],
)
def test_who_is_older_is_a_question_and_no_reference(question: str) -> None:
    assert without_age_reference(question) == question
    assert not references(question, VIEWS["two"]).needs


def test_the_next_one_is_no_next_question() -> None:
    assert in_sequence("How old is the next one?") == ()


def test_the_language_is_told_by_its_words() -> None:
    told = {
        "How old is she?": "en",
        "hmm": "en",
        "was she edited in?": "en",
        "Was steht in der Datei?": "de",
        "y la otra": "es",
        "et la femme?": "fr",
        "照片": "zh",
    }
    assert {text: spoken(text).name for text in told} == told


def test_every_language_has_the_same_phrases() -> None:
    first, *others = languages()
    assert len(others) == 4
    assert all(one.phrases.keys() == first.phrases.keys() for one in others)


def test_plain_text_knows_where_it_comes_from() -> None:
    question = "  Die  Größe,  L’Âge?"
    text, places = plain(question)
    assert text == "die grosse, l'age?"
    assert "".join(question[place] for place in places) == "Die Größße, L’Âge?"


PIECES = {
    language: st.lists(st.sampled_from([word for question, *_ in rows for word in re.findall(r"\S+", question)]))
    for language, rows in SAID.items()
}


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(SAID)).flatmap(PIECES.__getitem__).map(" ".join), st.sampled_from(sorted(VIEWS)))
def test_whatever_is_said_is_resolved_to_ids_or_left_open(question: str, view: str) -> None:
    found = references(question, VIEWS[view], [Earlier("Hm?", ("face 1.1",))])
    known = {face for faces in VIEWS[view].faces.values() for face in faces or ()}
    assert all(re.fullmatch(r"face \d+\.\d+|image \d+", subject) for subject in found.subjects)
    assert set(found.choices) <= known
    assert len(found.choices) != 1
