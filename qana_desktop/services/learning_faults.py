"""What can keep the clinic's network from learning, as sentences that a person can act on."""

from __future__ import annotations

from typing import Final

from qana_desktop.system.faults import Fault, KnownError
from qana_desktop.system.language import _

SCREENED: Final = "learning-"


class LearningRefused(KnownError):
    """Something about learning that is not done, and why. Nothing was changed."""


class ProposalRefused(LearningRefused):
    """A case that is not taken into the queue."""


def refused(code: str, message: str, remedy: str) -> LearningRefused:
    """Return the error for something that is not done."""
    return LearningRefused(Fault(f"{SCREENED}{code}", message, remedy))


def not_proposed(code: str, message: str, remedy: str) -> ProposalRefused:
    """Return the error for a case that is not taken."""
    return ProposalRefused(Fault(f"{SCREENED}{code}", message, remedy))


def no_consent() -> ProposalRefused:
    """The patient's consent is missing."""
    return not_proposed(
        "consent",
        _("Nobody has stated that this patient's images may be learnt from. The case was not proposed."),
        _("Ask the patient, and state the consent with the proposal."),
    )


def own_answer() -> ProposalRefused:
    """The label is the network's own answer, which one person accepted."""
    return not_proposed(
        "own-answer",
        _(
            "The only source of this diagnosis is an opinion that agrees with the network's own answer. A network that "
            "learns from its own answers learns its own mistakes. The case was not proposed."
        ),
        _("Propose it when histology, follow-up or two experts have confirmed the diagnosis."),
    )


def other_class(code: str) -> ProposalRefused:
    """A new class stands in the queue with another name, or as benign and malignant."""
    return not_proposed(
        "class-conflict",
        _("The class “{code}” stands in the queue with another name or kind. The case was not proposed.").format(
            code=code
        ),
        _("Name it as the other cases do, or withdraw those first."),
    )


def duplicate_file() -> ProposalRefused:
    """The very same file was proposed before."""
    return not_proposed(
        "duplicate-file",
        _("This image was proposed before. A case counts once, so it was not proposed again."),
        _("Nothing has to be done. If the diagnosis was wrong, withdraw the first proposal."),
    )


def duplicate_picture(lesion: str) -> ProposalRefused:
    """Another file with the same picture was proposed before."""
    return not_proposed(
        "duplicate-picture",
        _(
            "This picture was proposed before as another file (lesion {lesion}): turned, mirrored, resized or saved "
            "again it is still the same picture. It was not proposed again."
        ).format(lesion=lesion[:8]),
        _("Propose one picture of each view of a lesion."),
    )


def duplicate_features(lesion: str) -> ProposalRefused:
    """The network sees no difference to a case that was proposed before."""
    return not_proposed(
        "duplicate-features",
        _(
            "To the network this image is the same as one that was proposed before (lesion {lesion}). It would count "
            "twice, so it was not proposed."
        ).format(lesion=lesion[:8]),
        _("Propose one picture of each view of a lesion."),
    )


def holdout_overlap(why: str) -> ProposalRefused:
    """The case belongs to the cases that versions are tested on."""
    return not_proposed(
        "holdout-overlap",
        _(
            "This case is one of those that every update is tested on. Learning from it would make the test "
            "worthless, so it was not proposed. {why}"
        ).format(why=why),
        _("Leave it out. Cases for testing were set apart for good."),
    )


def already_decided() -> LearningRefused:
    """The proposal is not waiting any more."""
    return refused(
        "decided", _("This proposal does not wait for a second person any more."), _("Look at the queue again.")
    )


def same_person() -> LearningRefused:
    """Who proposed a case cannot be the second person."""
    return refused(
        "same-person",
        _("You proposed this case yourself. The second person has to be another one."),
        _("Ask a colleague to look at the image and confirm the diagnosis."),
    )


def nothing_to_learn() -> LearningRefused:
    """No confirmed case is there."""
    return refused(
        "no-cases",
        _("There is no confirmed case to learn from, so nothing was trained."),
        _("Propose cases with a proven diagnosis, and have them confirmed where that is asked for."),
    )


def too_few_images(count: int, needed: int) -> LearningRefused:
    """A camera cannot be told from so few images."""
    return refused(
        "too-few-images",
        _("A camera is measured on {needed} images of different lesions, and there are {count}.").format(
            needed=needed, count=count
        ),
        _("Keep more images of this device in the case store: an ordinary mix, no diagnosis is needed."),
    )


def factory_lacks(what: str) -> LearningRefused:
    """The version of the network that came with the program cannot be updated."""
    return refused(
        "factory-lacks",
        _("The network that came with the program has no {what}, so no update of it can be made or judged.").format(
            what=what
        ),
        _("Install a version of the program whose network can learn."),
    )


def unknown_version(version: str) -> LearningRefused:
    """There is no such version."""
    return refused(
        "version-unknown",
        _("There is no version “{version}” that was trained here.").format(version=version),
        _("Look at the list of versions: `qana-desktop learn status`."),
    )
