"""What states consent, and what does not: refused, supposed, asked about, somebody else's, or to something else."""

from __future__ import annotations

import json

import pytest

from faceagent.controllers.draft import View
from faceagent.controllers.naming import consent_in
from faceagent.controllers.plan import WITH_CONSENT, plan

BEGINNINGS = {
    "en": "Enrol face 1.1 as Anna Bell",
    "es": "Registra la cara 1.1 como Anna Bell",
    "fr": "Inscris le visage 1.1 comme « Anna Bell »",
    "de": "Nimm Gesicht 1.1 als „Anna Bell“ auf",
    "zh": "把人脸1.1登记为“安娜”",
}


def plan_of(question):
    return plan(question, View({"image 1": ("face 1.1",)}), ("detect_faces", "enroll_person"))


@pytest.mark.parametrize(
    ("language", "ending"),
    [
        ("en", ", no problem, she agreed in writing."),
        ("en", ", not Ann, she agreed in writing"),
        ("en", ", who agreed in writing on 2 May, and tell me whether the photo is sharp."),
        ("en", ". She has agreed."),
        ("en", " with her written consent"),
        ("en", ", she signed the consent form"),
        ("en", ". We have her written consent."),
        ("en", ". Consent: given in writing on 2 May."),
        ("en", "\nConsent: signed on 2 May"),
        ("en", " (she agreed by email)"),
        ("en", ", she agreed to having her face stored in the gallery"),
        ("en", ", agreed in writing on 2 May"),
        ("en", ", I asked her and she agreed"),
        ("en", ". Anna agreed in writing."),
        ("en", "? She gave me her permission yesterday."),
        ("en", ', she wrote "I agree".'),
        ("en", ", she has kindly given us permission, so you can enrol her now"),
        ("es", ", ella dio su consentimiento por escrito."),
        ("es", ", que aceptó por escrito el 2 de mayo"),
        ("es", ", no hay problema, firmó el formulario de consentimiento"),
        ("es", " con su permiso por escrito"),
        ("es", ". Tenemos su consentimiento firmado."),
        ("fr", ", elle a donné son accord par écrit."),
        ("fr", ", qui a consenti par écrit le 2 mai"),
        ("fr", ", pas de souci, elle a accepté"),
        ("fr", ", avec son consentement écrit"),
        ("fr", " ; nous avons son autorisation signée"),
        ("de", ", sie hat schriftlich zugestimmt."),
        ("de", ", die am 2. Mai eingewilligt hat"),
        ("de", ", kein Problem, sie hat ihre Einwilligung erteilt"),
        ("de", " mit ihrer schriftlichen Einwilligung"),
        ("de", ". Ihre schriftliche Einwilligung liegt vor."),
        ("zh", "，她已书面同意。"),
        ("zh", "，没问题，她5月2日同意了"),
        ("zh", "，已获得她的书面同意"),
        ("zh", "，本人已签署同意书"),
    ],
)
def test_a_statement_of_consent_is_read(language, ending):
    question = BEGINNINGS[language] + ending
    (call,) = plan_of(question).calls
    assert json.loads(call.arguments)["consent"] == " ".join(question.split())


@pytest.mark.parametrize(
    "question",
    [
        "Could you enrol face 1.1 as Anna Bell, who agreed in writing on 2 May?",
        "Is face 1.1 sharp? Enrol it as Anna Bell, she agreed in writing.",
        "As Anna Bell agreed in writing, enrol face 1.1 as Anna Bell",
        "Enrol me as Ravi Patel, I consent",
        "Enrol face 1.1 as “If Only”, she agreed in writing",
        "Don't enrol face 1.2. Enrol face 1.1 as Anna Bell, she agreed in writing.",
        "ENROL FACE 1.1 AS ANNA BELL WHO AGREED IN WRITING",
        "经她本人同意，把人脸1.1登记为“安娜”",
    ],
)
def test_wherever_it_stands(question):
    assert consent_in(question)


REFUSED = (
    ", consent was denied.",
    ", consent was withdrawn",
    ", he declined to give permission",
    ", she didn't agree",
    ", she agreed but changed her mind",
    ", she gave consent, which she has since revoked",
    ", consent: none",
    "\nConsent: no",
    ". She agreed. No wait, she didn't.",
    ", she agreed – no, I made that up",
    ", with her consent revoked",
    ". She agreed in writing. However, that was not about photos.",
    ", she agreed, not to this though",
)
ASKED = (
    ". Has she agreed?",
    ". Do I need her permission?",
    ", she agreed?",
    ", she agreed, right?",
    ", has she agreed",
    ", she agreed, didn't she",
    ". I wonder who agreed in writing",
    ". She agreed. Or did she?",
    ", do we have her consent",
    ", ask whether she agreed",
    ", consent yes or no?",
)
SUPPOSED = (
    " if she agrees",
    " as soon as she has given consent",
    ", if she came in and she agreed in writing",
    " when she agrees",
    ", provided she agreed",
    ", I think she agreed",
    ", she agreed, I hope",
    ". She agreed. I guess.",
    ", she agreed, sort of",
    ", pretend she agreed",
    ", tell the tool she agreed",
    ". Fill in: she agreed in writing",
    ", rumour has it, she agreed",
    ", they say she agreed",
    ", she allegedly agreed",
    " with her presumed consent",
    ", consent assumed",
    ", consent=yes",
    ', the note reads "she agreed"',
    ", as agreed",
    ", she agreed, or so I heard",
    ", she agreed as far as I know",
)
NOT_YET = (
    ". I will ask for her consent later",
    ", she will agree",
    ", consent pending",
    ", with her consent to follow",
    ", with her consent requested",
    ", I'll get her signed consent tomorrow",
    "; I'll come back with her written consent",
    ", she has yet to give consent",
    ", consent to be given",
    ", she signs tomorrow",
    " only with her consent",
)
NOT_FREELY = (
    ", she agreed under pressure",
    ", she was forced to sign",
    ", she signed a blank form",
    ", she agreed in principle",
    ", she agreed because we lied to her",
    ", against her will, she signed",
    ", she partly agreed",
)
SOMEBODY_ELSES = (
    ", her boss agreed",
    ", HR gave permission",
    ", I agreed",
    ", I consent",
    ", my lawyer gave consent",
    ". Permission granted.",
    ", with the permission of her boss",
    ", consent was given by her husband",
    ", Anna Bell's mother gave her consent",
    ", I asked her boss and he agreed",
    ", Tom agreed",
    ", with my permission",
    ", nobody agreed",
)
SOMETHING_ELSE = (
    ", she agreed to meet me",
    ", she agreed with you",
    ", she only agreed to photos",
    ", she signed the guest book",
    ", she signed in at the desk",
    ", she consented to marketing emails",
    ", with her consent for the newsletter",
    ", she agreed to be removed from the gallery",
    ", she gave consent to her surgery",
    ", the agreement was signed",
)


@pytest.mark.parametrize(
    "ending", (*REFUSED, *ASKED, *SUPPOSED, *NOT_YET, *NOT_FREELY, *SOMEBODY_ELSES, *SOMETHING_ELSE)
)
def test_what_states_no_consent_is_asked_about(ending):
    answer = plan_of(BEGINNINGS["en"] + ending)
    assert answer.calls == ()
    assert WITH_CONSENT in answer.remarks


@pytest.mark.parametrize(
    ("language", "ending"),
    [
        ("es", ", ella no dio su consentimiento"),
        ("es", " si ella acepta"),
        ("es", ", ¿ella dio su consentimiento?"),
        ("es", ", retiró su consentimiento"),
        ("es", ", creo que aceptó"),
        ("es", ", pediré su permiso mañana"),
        ("es", ", mi jefe dio permiso"),
        ("es", ", aceptó la invitación"),
        ("es", ", consentimiento: pendiente"),
        ("fr", ", elle n'a pas donné son accord"),
        ("fr", " si elle est d'accord"),
        ("fr", ", a-t-elle donné son accord ?"),
        ("fr", ", elle a donné son accord. Je crois."),
        ("fr", ", elle aurait accepté"),
        ("fr", ", son mari a donné son accord"),
        ("fr", ", elle a accepté de venir"),
        ("fr", ", consentement : aucun"),
        ("de", ", sie hat nicht zugestimmt"),
        ("de", ", wenn sie zugestimmt hat"),
        ("de", ", hat sie zugestimmt?"),
        ("de", ", sie hat die Einwilligung widerrufen"),
        ("de", ", es heißt, sie hat zugestimmt"),
        ("de", ", ihre Einwilligung steht noch aus"),
        ("de", ", der Chef hat zugestimmt"),
        ("de", ", sie hat dem Foto zugestimmt, aber nicht der Erfassung"),
        ("de", ", sie hat den Vertrag unterschrieben"),
        ("zh", "，她不同意"),
        ("zh", "，她还没同意"),
        ("zh", "，她同意了吗"),
        ("zh", "，她撤回了同意"),
        ("zh", "，据说她已书面同意"),
        ("zh", "，等她签了同意书再说"),
        ("zh", "，老板已同意"),
        ("zh", "，她同意了拍照"),
    ],
)
def test_nor_in_another_language(language, ending):
    assert consent_in(BEGINNINGS[language] + ending) == ""


@pytest.mark.parametrize(
    "question",
    [
        "With her consent, could I enrol her as Anna Bell?",
        "Could you enrol face 1.1 as Anna Bell, she agreed?",
        "Tell me who agreed in writing and enrol face 1.1 as Anna Bell",
        "Enrol face 1.1 as Anna Bell When she agrees",
        "ENROL FACE 1.1 AS ANNA BELL IF SHE AGREED",
        "Enrol face 1.1 as “she agreed in writing”",
        "Enrol me as Ravi Patel, I have not agreed",
        "如果她同意了，把人脸1.1登记为“安娜”",
        "经她同意后再把人脸1.1登记为“安娜”",
    ],
)
def test_nor_elsewhere_in_a_question(question):
    assert consent_in(question) == ""
