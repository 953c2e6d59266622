"""Sentences that say more than their evidence, written by hand to get through, and honest ones that must."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files

import pytest
from ground_rows import METHOD, ROWS, cite, claim
from hypothesis import given, settings
from hypothesis import strategies as st

from faceagent.ground import fault
from faceagent.ground.wording import core
from faceagent.types import Claim, Evidence

A, B, C, D = "face 1.1", "face 1.2", "face 1.3", "face 2.1"
PAIR, OTHERS, OPEN = f"{A} + {D}", f"{B} + {D}", f"{C} + {D}"
GENDER = cite("perceived_gender", A)

HONEST = [
    # Places
    claim("Face 1.1 is on the left and looks about 34 years old.", "age", A),
    claim("Face 1.1, which is sharp, is to the left of face 1.2.", "sharpness", A, B),
    # Plain
    claim("Face 1.1 is sharp.", "sharpness", A),
    claim("Face 1.3 is blurred.", "sharpness", C),
    claim("Face 1.3 is not sharp.", "sharpness", C),
    claim("Face 1.1 is not blurred.", "sharpness", A),
    claim("The face on the left is sharp.", "sharpness", A),
    claim("The person on the right is blurred.", "sharpness", C),
    claim("The second face looks about 51 years old.", "age", B),
    claim(
        "Face 1.1 looks about 34 years old; for about 80 % of such faces the true age lies between 26 and 43.", "age", A
    ),
    claim("The woman in the photo looks about 34 years old.", "age", A, more=GENDER),
    claim("She looks about 34 years old.", "age", A, more=GENDER),
    claim("Face 1.1 would probably be perceived as a woman.", "perceived_gender", A),
    claim("There are three faces in the photo.", "face_count", "image 1"),
    claim("Image 1 shows 3 people.", "face_count", "image 1"),
    claim("Photo 2 shows only one face.", "face_count", "image 2"),
    claim("The age of face 2.1 was not estimated, because the face is only 18 pixels wide.", "age", D),
    claim("The age of face 2.1 is unknown.", "age", D),
    claim("Face 1.1 is turned about 4° to the right.", "pose", A),
    claim("Face 1.2 is turned to the left edge of the photo.", "pose", B),
    claim("Face 1.1 seems to smile and wear glasses.", "visible_attributes", A),
    claim("Face 1.1 shows no beard and no hat.", "visible_attributes", A),
    claim("Whether face 1.1 wears earrings is undecided.", "visible_attributes", A),
    claim("The records mention “Adobe Photoshop 26.1”.", "editing_software", "image 1"),
    # Comparisons
    claim("Face 1.2 looks older than face 1.1.", "age", B, A),
    claim("Face 1.1 looks younger than face 1.2.", "age", A, B),
    claim("Face 1.1 is not older than face 1.2.", "age", A, B),
    claim("Face 1.2 looks 17 years older than face 1.1.", "age", B, A),
    claim("Face 1.2 looks clearly older than face 1.1.", "age", B, A),
    claim("Face 1.2 looks three times as old as face 1.3.", "age", B, C),
    claim("Face 1.1 looks twice as old as face 1.3.", "age", A, C),
    claim("Face 1.1 looks 34 years old and face 1.2 51.", "age", A, B),
    claim("Face 1.1 is sharp, but face 1.3 is blurred.", "sharpness", A, C),
    claim("Face 1.1 is sharper than face 1.2 and face 1.3.", "sharpness", A, B, C),
    claim("Face 1.1 looks happier than face 1.2.", "expression", A, B),
    claim("Face 1.1 is more frontal than face 1.2.", "pose", A, B),
    claim("Face 1.1 looks older than 30.", "age", A),
    # Superlatives and quantities
    claim("Face 1.2 looks the oldest in image 1.", "age", B, A, C),
    claim("Face 1.1 is the happiest in image 1.", "expression", A, B, C),
    claim("Face 1.1 is the sharpest of the faces measured.", "sharpness", A, B, C),
    claim("Face 1.1 looks the second oldest of those measured.", "age", A, B, C),
    claim("In image 1, only face 1.3 is blurred.", "sharpness", C, A, B),
    Claim(
        sentence="Both faces are sharp.",
        subject=f"{A} + {B}",
        attribute="sharpness",
        value="sharp",
        evidence=cite("sharpness", A, B),
    ),
    Claim(
        sentence="Face 1.1 looks 34 and face 1.2 looks 51 years old.",
        subject=f"{A} + {B}",
        attribute="age",
        value={A: 34, B: 51},
        evidence=cite("age", A, B),
    ),
    # Identity, forgery, probability
    claim(
        "The evidence supports that face 1.1 and face 2.1 show the same person (probability 0.99).", "same_person", PAIR
    ),
    claim("Face 1.1 and face 2.1 very likely show the same person.", "same_person", PAIR),
    claim("Face 1.2 and face 2.1 almost certainly show different people.", "same_person", OTHERS),
    claim("It is very unlikely that face 1.2 and face 2.1 show the same person.", "same_person", OTHERS),
    claim("Whether face 1.3 and face 2.1 show the same person cannot be decided.", "same_person", OPEN),
    claim("The pixels of face 1.1 support manipulation over no manipulation.", "forgery", A),
    claim("The pixels of face 1.1 were probably manipulated.", "forgery", A),
    claim("The pixels of face 1.2 show no sign of manipulation.", "forgery", B),
    claim("The pixels of face 1.3 do not settle whether it was altered.", "forgery", C),
    claim("Face 1.1 is more likely manipulated than face 1.2.", "forgery", A, B),
]

LIES = [
    # The one of two
    claim("Face 1.1 is the sharper of the two.", "sharpness", A, C),
    claim("Face 1.1 is the sharper of the two measured.", "sharpness", A, C),
    claim("Face 1.1 is sharp, of the two measured.", "sharpness", A, C),
    # Places
    claim("Face 1.1 is on the right and is sharp.", "sharpness", A),
    claim("Face 1.1 is to the right of face 1.2.", "sharpness", A, B),
    claim("Face 1.2 is to the left of face 1.1.", "sharpness", B, A),
    claim("Face 1.1 is behind face 1.2.", "sharpness", A, B),
    claim("Face 1.1 is next to face 2.1.", "age", A, D),
    claim("The person is missing.", "sharpness", A),
    # Another value, plainly, hedged, negated, doubly negated, in other clauses
    claim("Face 1.1 is blurred.", "sharpness", A),
    claim("Face 1.1 is not sharp.", "sharpness", A),
    claim("Face 1.1 isn't sharp.", "sharpness", A),
    claim("Perhaps face 1.1 is blurred.", "sharpness", A),
    claim("It may be that face 1.1 is a little blurred.", "sharpness", A),
    claim("Face 1.1 seems anything but sharp.", "sharpness", A),
    claim("Face 1.1 is far from sharp.", "sharpness", A),
    claim("Face 1.1 is hardly sharp.", "sharpness", A),
    claim("Face 1.1 is not never blurred.", "sharpness", A),
    claim("It is not so that face 1.3 is not sharp.", "sharpness", C),
    claim("Face 1.3 is sharp enough to compare.", "sharpness", C),
    claim("Face 1.1 is not sharp enough to compare.", "sharpness", A),
    claim("Whether face 1.1 is sharp cannot be told.", "sharpness", A),
    claim("Face 1.1 is sharp, and so is face 1.3: face 1.3 is sharp.", "sharpness", A, C),
    claim("Face 1.1 is sharp and face 1.3 is sharp.", "sharpness", A, C),
    claim("Face 1.1 is sharp, while the face on the right is sharp.", "sharpness", A, C),
    claim("The face on the left is blurred.", "sharpness", A),
    claim("The face on the right is sharp.", "sharpness", A),
    claim("The third face is sharp.", "sharpness", A),
    claim("Face 1.1 is sharp and happy.", "sharpness", A),
    claim("Face 1.1 is sharp and shows a woman.", "sharpness", A),
    claim("He looks about 34 years old.", "age", A, more=GENDER),
    claim("The man looks about 34 years old.", "age", A),
    claim("Face 1.1 is turned to the left.", "pose", A),
    claim("Face 1.2 is frontal.", "pose", B),
    claim("Face 1.1 wears a beard.", "visible_attributes", A),
    claim("Face 1.1 wears no glasses.", "visible_attributes", A),
    claim("Face 1.1 wears earrings.", "visible_attributes", A),
    claim("Face 1.1 wears no earrings.", "visible_attributes", A),
    claim("Whether face 1.1 wears glasses is undecided.", "visible_attributes", A),
    claim("Face 2.1 looks old.", "age", D),
    claim("Face 2.1 looks about 18 years old.", "age", D),
    # Numbers
    claim("Face 1.1 looks about 51 years old.", "age", A, B),
    claim("Face 1.1 looks 51 years old and face 1.2 34.", "age", A, B),
    claim("Face 1.1 and face 1.2 look about 34 years old.", "age", A, B),
    claim("Face 1.1 looks about thirty-five years old.", "age", A),
    claim("Face 1.1 looks about −34 years old.", "age", A),
    claim("Face 1.1 is turned by −31 degrees.", "pose", A, B),
    claim("Face 1.2 is turned by −31 degrees.", "pose", B),
    claim("The same person is supported with 0.987 %.", "same_person", PAIR),
    claim("The same person is supported with 98.7.", "same_person", PAIR),
    claim("The same person is supported with 99.9 per cent.", "same_person", PAIR),
    claim("There are two faces in the photo.", "face_count", "image 1"),
    claim("There is only one face in the photo.", "face_count", "image 1"),
    claim("There is nobody in the photo.", "face_count", "image 1"),
    claim("There is no face in the photo.", "face_count", "image 1"),
    claim("There is a crowd of faces in the photo.", "face_count", "image 1"),
    claim("There are several people in photo 2.", "face_count", "image 2"),
    claim("Image 1 shows one face and image 2 shows three faces.", "face_count", "image 1", "image 2"),
    # Comparisons
    claim("Face 1.1 looks older than face 1.2.", "age", A, B),
    claim("Face 1.2 looks younger than face 1.1.", "age", B, A),
    claim("Face 1.2 is not older than face 1.1.", "age", B, A),
    claim("Face 1.2 looks older than face 1.1.", "age", B),
    claim("Face 1.1 looks older than face 2.1.", "age", A, D),
    claim("Face 1.1 looks older than the others.", "age", A, B, C),
    claim("Face 1.2 looks older than everyone else.", "age", B, A),
    claim("Face 1.1 looks older than most people.", "age", A),
    claim("Face 1.1 looks much older than face 1.3.", "sharpness", A, C),
    claim("Face 1.2 looks twice as old as face 1.1.", "age", B, A),
    claim("Face 1.1 looks half as old as face 1.2.", "age", A, B),
    claim("Face 1.1 looks as old as face 1.2.", "age", A, B),
    claim("Face 1.1 and face 1.2 are the same age.", "age", A, B),
    claim("Face 1.2 looks 20 years older than face 1.1.", "age", B, A),
    claim("Face 1.1 looks older than 40.", "age", A),
    claim("Face 1.3 looks older.", "age", C),
    claim("Face 1.2 is sharper than face 1.1.", "sharpness", B, A),
    claim("Face 1.1 is less sharp than face 1.3.", "sharpness", A, C),
    claim("Face 1.2 looks happier than face 1.1.", "expression", B, A),
    claim("Face 1.2 is more frontal than face 1.1.", "pose", B, A),
    claim("Face 1.1 is better than face 1.2.", "sharpness", A, B),
    claim("Face 1.1 is more beautiful than face 1.2.", "sharpness", A, B),
    # Superlatives and quantities
    claim("Face 1.1 looks the oldest.", "age", A, B, C),
    claim("Face 1.2 looks the oldest.", "age", B),
    claim("Face 1.2 looks the oldest.", "age", B, A),
    claim("Face 1.2 is the oldest of the two.", "age", B, A),
    claim("Face 1.2 is the oldest person in image 2.", "age", B, A, C),
    claim("Face 1.2 is the happiest.", "expression", B, A, C),
    claim("Face 1.2 is the most frontal.", "pose", B, A, C),
    claim("Face 1.2 looks the second oldest of those measured.", "age", B, A, C),
    claim("Face 1.2 is not the oldest of those measured.", "age", B, A, C),
    claim("Only face 1.1 is sharp.", "sharpness", A, B, C),
    claim("Only face 1.1 is sharp.", "sharpness", A),
    claim("Face 1.1 is the only face that is sharp.", "sharpness", A, B, C),
    claim("All the faces are sharp.", "sharpness", A, B, C),
    claim("All the faces are sharp.", "sharpness", A),
    claim("Everyone is happy.", "expression", A),
    claim("None of the faces is sharp.", "sharpness", C),
    claim("Nobody is happy.", "expression", B),
    claim("None of them is happy.", "expression", B, A, C),
    claim("Both faces are sharp.", "sharpness", A),
    Claim(
        sentence="Both faces are sharp.",
        subject=A,
        attribute="sharpness",
        value="sharp",
        evidence=cite("sharpness", A, C),
    ),
    Claim(
        sentence="Neither face is sharp.",
        subject=f"{A} + {B}",
        attribute="sharpness",
        value="sharp",
        evidence=cite("sharpness", A, B),
    ),
    Claim(
        sentence="Both faces are 34.",
        subject=f"{A} + {B}",
        attribute="age",
        value={A: 34, B: 34},
        evidence=cite("age", A, B),
    ),
    # Identity, forgery, probability
    claim("Face 1.1 and face 2.1 are the same person.", "same_person", PAIR),
    claim("Face 1.1 and face 2.1 are a match.", "same_person", PAIR),
    claim("Face 1.1 and face 2.1 show different people.", "same_person", PAIR),
    claim("The evidence supports that face 1.2 and face 2.1 show the same person.", "same_person", OTHERS),
    claim("The evidence supports that face 1.1 and face 1.2 show the same person.", "same_person", PAIR),
    claim("Face 1.3 and face 2.1 show the same person.", "same_person", OPEN),
    claim("Face 1.3 and face 2.1 probably show different people.", "same_person", OPEN),
    claim("Face 1.1 and face 2.1 almost certainly show the same person.", "same_person", PAIR),
    claim("It is unlikely that face 1.1 and face 2.1 show the same person.", "same_person", PAIR),
    claim("Face 1.2 and face 2.1 likely show the same person.", "same_person", OTHERS),
    claim("The probability of different people is 0.99 for face 1.1 and face 2.1.", "same_person", PAIR),
    claim("Face 1.1 and face 2.1 are identical.", "same_person", PAIR),
    claim("The pixels of face 1.1 show no sign of manipulation.", "forgery", A),
    claim("The pixels of face 1.2 support manipulation.", "forgery", B),
    claim("Face 1.2 was not manipulated.", "forgery", B),
    claim("Face 1.2 is unaltered.", "forgery", B),
    claim("Face 1.1 is a deepfake.", "forgery", A),
    claim("Face 1.1 is manipulated.", "forgery", A),
    claim("The pixels of face 1.3 support manipulation.", "forgery", C),
    claim("The pixels of face 1.3 show no sign of manipulation.", "forgery", C),
    claim("The pixels of face 1.1 very likely bear no sign of manipulation.", "forgery", A),
    claim("Face 1.2 is more likely manipulated than face 1.1.", "forgery", B, A),
    claim("Face 1.1 is probably sharp.", "sharpness", A),
    # Quotations, names, what nobody measured, other tongues, tricks of writing
    claim("The records mention “Photoshop is fake”.", "editing_software", "image 1"),
    claim("The records mention Adobe Photoshop.", "editing_software", "image 1"),
    claim("Face 1.1 shows Angela Merkel.", "sharpness", A),
    claim("Face 1.1 is sharp and works as a nurse.", "sharpness", A),
    claim("Face 1.1 holds a gun.", "sharpness", A),
    claim("She killed her husband.", "age", A, more=GENDER),
    claim("Das Gesicht ist unscharf.", "sharpness", A),
    claim("Le visage est flou.", "sharpness", A),
    claim("这张脸很模糊。", "sharpness", A),
    claim("Face 1.1 is shаrp and blurгed.", "sharpness", A),  # with Cyrillic letters
    claim("Face 1.1 is blur\u200bred.", "sharpness", A),
    claim("BLURRED! That is what face 1.1 is.", "sharpness", A),
    claim("Face 1.1 is “sharp”, that is to say blurred.", "sharpness", A),
    claim("Sharp is the opposite of what face 1.1 is.", "sharpness", A),
    claim("Face 1.1 is sharp: ignore that.", "sharpness", A),
    # A second round, against what the first had taught the check
    claim("Sharp? No.", "sharpness", A),
    claim("Face 1.1 is sharp. No.", "sharpness", A),
    claim("Face 1.1 is sharp in no way.", "sharpness", A),
    claim("That face 1.1 is sharp is not true.", "sharpness", A),
    claim("The others are sharp.", "sharpness", A),
    claim("The other faces are sharp too.", "sharpness", A, C),
    claim("The other face is sharp.", "sharpness", A),
    claim("Two of them are blurred.", "sharpness", A, B, C),
    claim("Most of them are blurred.", "sharpness", A, B, C),
    claim("Two faces are blurred.", "sharpness", C),
    claim("Some of the faces are sharp.", "sharpness", A),
    claim("Face 1.1 looks about 43 years old.", "age", A),
    claim("Face 1.1 is at least 43 years old.", "age", A),
    claim("Face 1.1 is 26.", "age", A),
    claim("Face 1.1 looks forty-three.", "age", A),
    claim("Hundreds of faces are in the photo.", "face_count", "image 1"),
    claim("The probability of the same person is 0.50.", "same_person", PAIR),
    claim("The same person, with a probability of 50 %.", "same_person", PAIR),
    claim("One third of the faces are sharp.", "sharpness", A, B, C),
    claim(
        "Face 1.1 and face 2.1 seem to show the same person, not different people; no, different people.",
        "same_person",
        PAIR,
    ),
    claim("Nobody but face 1.1 is sharp.", "sharpness", A, B, C),
    claim("No face but face 1.1 is sharp.", "sharpness", A, B, C),
    claim("Everyone except face 1.1 is blurred.", "sharpness", A, B, C),
    claim("Face 1.1 is the one that is not sharp.", "sharpness", A),
    claim("Not one of the faces is sharp.", "sharpness", C),
    claim("The sharp face is face 1.3.", "sharpness", C),
    claim("The blurred one is face 1.1.", "sharpness", A),
    claim("Face 1.3 is the sharp one.", "sharpness", C),
    claim("Face 1.1 was sharp once, and is blurred now.", "sharpness", A),
    claim("It would be a mistake to call face 1.1 sharp.", "sharpness", A),
    claim("Face 1.1 only seems sharp.", "sharpness", A),
    claim("Face 1.1 looks sharp but is not.", "sharpness", A),
    claim("Face 1.1 is turned away.", "pose", A),
    claim("Face 1.1 looks down.", "pose", A),
    claim("Face 1.1 looks up.", "pose", A),
    claim("Face 1.1 is in profile.", "pose", A),
    claim("Face 1.1 is female and old.", "age", A, more=GENDER),
    claim("Face 1.1 looks older than she is.", "age", A, more=GENDER),
    claim("Face 1.1 looks older.", "age", A, B),
    claim("Face 1.1 is the older.", "age", A, B),
    claim("The older one is face 1.1.", "age", A, B),
    claim("The oldest is face 1.1.", "age", A, B, C),
    claim("Nobody looks older than face 1.1.", "age", A, B, C),
    claim("No face is older than face 1.1.", "age", A, B, C),
    claim("None is sharper than face 1.3.", "sharpness", C, A, B),
    claim("Face 1.1 is younger than none.", "age", A, B),
    claim("Between face 1.1 and face 1.2, face 1.1 looks older.", "age", A, B),
    claim("Compared with face 1.2, face 1.1 looks older.", "age", A, B),
    claim("Face 1.1, unlike face 1.2, is sharp.", "sharpness", A, B),
    claim("Face 1.1 looks older than face 1.3 and face 1.2.", "age", A, C, B),
    claim("Face 1.2 looks 17 years younger than face 1.1.", "age", B, A),
    claim("Face 1.1 and face 1.2 are 34 and 17 years apart.", "age", A, B),
    claim("Face 1.2 is at most 34.", "age", B, A),
    claim("The average age is 34.", "age", A, B, C),
    claim("Together they are 85 years old.", "age", A, B),
    claim("Face 1.1 smiles more than face 1.3 and less than face 1.2.", "expression", A, B, C),
    claim("Face 1.1 looks sad.", "expression", A),
    claim("Face 1.1 is probably sad.", "expression", A),
    claim("Face 1.1 does not look happy.", "expression", A),
    claim("Face 1.1 is very likely happy.", "expression", A),
    claim("Face 1.1 feels happy.", "expression", A),
    claim("Face 1.1 is genuinely happy.", "expression", A),
    claim("Face 1.1 hides sadness.", "expression", A),
    claim("All three show the same person.", "same_person", PAIR),
    claim("Everyone in the photos is the same person.", "same_person", PAIR),
    claim("Face 1.1, face 1.2 and face 2.1 show the same person.", "same_person", PAIR, OTHERS),
    claim("Face 1.1 and face 2.1 may well be the same person: it is certain.", "same_person", PAIR),
    claim("The pixels of face 1.2 are clean.", "forgery", B),
    claim("Face 1.2 is authentic.", "forgery", B),
    claim("Face 1.2 comes from a camera.", "forgery", B),
    claim("Face 1.2 is trustworthy.", "forgery", B),
    claim("Nothing was done to face 1.2.", "forgery", B),
    claim("Face 1.2 shows a real person.", "forgery", B),
    claim("Face 1.2 passes as real.", "forgery", B),
    claim("The photo is a genuine one.", "forgery", B),
    claim("Face 1.1 was made by a generator.", "forgery", A),
    claim("The traces support synthesis.", "forgery", A),
    claim("In the test, face 1.1 is blurred.", "sharpness", A),
    claim("Such a face is blurred.", "sharpness", A),
    claim("This is how a blurred face looks.", "sharpness", A),
    claim("Twins, close relatives: the face is blurred.", "sharpness", A),
    claim("Somebody here is blurred.", "sharpness", A),
    claim("A face is blurred.", "sharpness", A),
    claim("Blurred.", "sharpness", A),
    claim("There are blurred faces.", "sharpness", A),
    claim("Face 1.1 has 0.21 as its score.", "sharpness", A, C),
    claim("The score is 0.21.", "sharpness", A, C),
    claim("Face 1.1 is sharp (score 0.5).", "sharpness", A),
    claim("Face 1.1 is sharp, with a score of 50 %.", "sharpness", A),
    claim("Face 1.1 wears glasses and a hat.", "visible_attributes", A),
    claim("Face 1.1 wears a hat instead of glasses.", "visible_attributes", A),
    claim("Face 1.1 has brown hair.", "visible_attributes", A),
    claim("Face 1.1 shows lipstick.", "visible_attributes", A),
    claim("Face 1.1 is without glasses.", "visible_attributes", A),
    claim("Face 1.1 took off the glasses.", "visible_attributes", A),
    claim("The photo was edited with “Adobe”.", "editing_software", "image 1"),
    claim("Photo 1 is older than photo 2.", "face_count", "image 1", "image 2"),
    claim("Photo 2 has more faces than photo 1.", "face_count", "image 2", "image 1"),
    claim("Photo 1 has more faces than photo 2.", "face_count", "image 1", "image 2"),
    claim("Face 1.1 is 34 % sharp.", "sharpness", A),
    claim("3 of 3 faces are sharp.", "sharpness", A, B, C),
    claim("Face 1.1 is a US citizen.", "sharpness", A),
    claim("Face 1.1 is in good health.", "sharpness", A),
    claim("Face 1.1 is a good person.", "sharpness", A),
    claim("Face 1.1 is a right person.", "sharpness", A),
    claim("Face 1.1 is a great person.", "sharpness", A),
    claim("Face 1.1 is a weak person.", "sharpness", A),
    claim("Face 1.1 is a suspect person.", "sharpness", A),
    claim("Face 1.1 is dangerous.", "sharpness", A),
    claim("Face 1.1 shows the same person as face 1.2.", "same_person", PAIR),
    claim("The person in image 1 is the person in image 2.", "same_person", PAIR),
    claim("Face 1.1 is face 2.1.", "same_person", PAIR),
    claim("Face 1.1 is not face 2.1.", "same_person", PAIR),
]


@pytest.mark.parametrize("honest", HONEST, ids=lambda c: c.sentence)
def test_says_what_the_evidence_carries(honest: Claim) -> None:
    assert fault(honest, ROWS.get) is None


@pytest.mark.parametrize("lie", LIES, ids=lambda c: f"{c.sentence} {len(c.evidence)}")
def test_no_lie_gets_through(lie: Claim) -> None:
    reason = fault(lie, ROWS.get)
    assert reason


# Properties


def ages(*years: int) -> dict[str, Evidence]:
    template = ROWS[cite("age", A)[0]]
    return {
        f"e{number}": template.model_copy(
            update={"id": f"e{number}", "subject": f"face 1.{number}", "value": age, "interval": None, "details": {}}
        )
        for number, age in enumerate(years, start=1)
    }


def said(sentence: str, rows: dict[str, Evidence]) -> str | None:
    first = rows["e1"]
    made = Claim(sentence=sentence, subject=first.subject, attribute="age", value=first.value, evidence=tuple(rows))
    return fault(made, rows.get)


YEARS = st.integers(min_value=1, max_value=99)


@settings(deadline=None)  # a busy machine is no failure
@given(YEARS, YEARS)
def test_a_comparison_is_said_exactly_when_it_holds(one: int, other: int) -> None:
    rows = ages(one, other)
    assert (said("Face 1.1 looks older than face 1.2.", rows) is None) is (one > other)
    assert (said("Face 1.1 looks younger than face 1.2.", rows) is None) is (one < other)
    assert (said("Face 1.1 does not look older than face 1.2.", rows) is None) is (one <= other)
    assert (said("Face 1.2 looks older than face 1.1.", rows) is None) is (other > one)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(YEARS, min_size=2, max_size=6), st.data())
def test_a_superlative_is_said_exactly_when_it_holds_over_all(years: list[int], data: st.DataObject) -> None:
    rows = ages(*years)
    oldest = years[0] == max(years) and years.count(years[0]) == 1
    assert (said("Face 1.1 looks the oldest.", rows) is None) is oldest
    left_out = data.draw(st.integers(min_value=2, max_value=len(years)))
    cited = {key: row for key, row in rows.items() if key != f"e{left_out}"}
    made = Claim(
        sentence="Face 1.1 looks the oldest.", subject=A, attribute="age", value=years[0], evidence=tuple(cited)
    )
    assert fault(made, rows.get) is not None


def test_the_one_of_two_is_said_of_two() -> None:
    assert said("Face 1.1 looks the older of the two.", ages(40, 30)) is None
    assert said("Face 1.1 looks the older of the two.", ages(30, 40))
    assert said("Face 1.1 looks the older of the two measured.", ages(40, 30, 20))
    third = ages(40, 30, 20)["e3"].model_copy(update={"status": "abstained", "value": None, "reason": "too small"})
    assert said("Face 1.1 looks the older of the two measured.", ages(40, 30) | {"e3": third}) is None
    assert said("Face 1.1 looks the older of the two.", ages(40, 30) | {"e3": third})


def test_those_who_share_a_place_share_the_word() -> None:
    rows = ages(40, 20, 40)
    assert said("Face 1.1 and face 1.3 look the oldest.", rows) is None
    assert said("Face 1.1 looks the oldest.", rows)
    assert said("Face 1.1 and face 1.2 look the oldest.", rows)
    assert said("Face 1.1, face 1.2 and face 1.3 look the oldest.", rows)


@settings(deadline=None)  # a busy machine is no failure
@given(YEARS, YEARS)
def test_a_number_stays_with_its_face(one: int, other: int) -> None:
    rows = ages(one, other)
    assert said(f"Face 1.1 looks {one} years old and face 1.2 looks {other}.", rows) is None
    swapped = said(f"Face 1.1 looks {other} years old and face 1.2 looks {one}.", rows)
    assert (swapped is None) is (one == other)


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(min_value=0, max_value=1000))
def test_a_word_of_probability_is_said_exactly_when_it_fits(thousandths: int) -> None:
    chance = thousandths / 1000
    value = "supported" if chance >= 0.5 else "not_supported"
    row = ROWS[cite("same_person", PAIR)[0]]
    assert row.probability is not None
    row = row.model_copy(update={"value": value, "probability": row.probability.model_copy(update={"value": chance})})
    for word, low in (("probably", 0.5), ("likely", 0.66), ("very likely", 0.9), ("almost certainly", 0.99)):
        for what, sure in (("the same person", chance), ("different people", 1 - chance)):
            made = claim(f"Face 1.1 and face 2.1 {word} show {what}.", "same_person", PAIR)
            made = made.model_copy(update={"value": value})
            fits = sure >= low and (value == "supported") is (what == "the same person")
            assert (fault(made, {row.id: row}.get) is None) is fits


TABLE = tomllib.loads(files("faceagent.ground").joinpath("words.toml").read_text(encoding="utf-8"))
PHRASES = [
    (attribute, condition, phrase)
    for attribute, table in TABLE.items()
    for condition, phrases in table.get("says", {}).items()
    for phrase in phrases
    if re.fullmatch(r"[a-z ]+", phrase) and re.fullmatch(r"[A-Za-z_|]+", condition) and condition != "any"
]


@pytest.mark.parametrize(("attribute", "condition", "phrase"), PHRASES, ids=str)
def test_a_phrase_is_said_of_its_own_values_only(attribute: str, condition: str, phrase: str) -> None:
    others = {value for name, key, _ in PHRASES if name == attribute for value in key.split("|")}
    for value in (*others, "something else"):
        row = Evidence(id="e1", tool="tool", subject=A, attribute=attribute, value=value, method=METHOD)
        true = any(
            saying.true_of(row)
            for topic in (core().topics[attribute],)
            for saying in topic.sayings
            if saying.pattern.fullmatch(phrase)
        )
        assert true is (value in condition.split("|"))
        for sentence, holds in ((f"Face 1.1: {phrase}.", true), (f"Face 1.1: not {phrase}.", not true)):
            made = Claim(sentence=sentence, subject=A, attribute=attribute, value=value, evidence=("e1",))
            assert holds or fault(made, {"e1": row}.get) is not None


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(max_size=120))
def test_text_of_any_kind_is_judged_and_never_breaks_the_check(text: str) -> None:
    reason = fault(claim(text, "sharpness", A), ROWS.get)
    assert reason is None or reason
