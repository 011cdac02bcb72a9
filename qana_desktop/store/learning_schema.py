"""The tables of local learning, as the repository sees them. Every one only grows; what is current is worked out."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from qana_desktop.store.schema import METADATA


def _text(name: str, *more: sa.ForeignKey, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, *more, primary_key=key, nullable=False)


def _who() -> tuple[sa.Column[str], sa.Column[str]]:
    return _text("at"), _text("by")


def _seq() -> sa.Column[int]:
    return sa.Column("seq", sa.Integer, primary_key=True)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(create_constraint=False), nullable=False)


def _of(name: str, column: str, *, key: bool = False) -> sa.Column[str]:
    return _text(name, sa.ForeignKey(column), key=key)


ROLE: Final = sa.Table("learning_role", METADATA, _of("patient", "entity.id", key=True), _text("role"), *_who())
"""What a patient's cases are for, training or holdout: once, for good."""

CONSENT: Final = sa.Table(
    "learning_consent",
    METADATA,
    _seq(),
    _of("patient", "entity.id"),
    _flag("given"),
    _text("reason"),
    *_who(),
    sa.Index("learning_consent_patient", "patient", "seq"),
)

PROPOSAL: Final = sa.Table(
    "learning_proposal",
    METADATA,
    _text("id", key=True),
    _of("image", "entity.id"),
    _of("lesion", "entity.id"),
    _of("patient", "entity.id"),
    _text("sha256"),
    _text("picture"),
    sa.Column("features", sa.LargeBinary, nullable=False),
    sa.Column("views", sa.Integer, nullable=False),
    _text("backbone"),
    _text("label"),
    _text("source"),
    _text("reported"),
    _text("note"),
    _text("second"),
    _text("answer"),
    *_who(),
    sa.Index("learning_proposal_image", "image"),
    sa.Index("learning_proposal_patient", "patient"),
)

CONFIRMATION: Final = sa.Table(
    "learning_confirmation",
    METADATA,
    _seq(),
    _of("proposal", "learning_proposal.id"),
    _flag("agrees"),
    _text("note"),
    *_who(),
    sa.UniqueConstraint("proposal", "by"),
)

WITHDRAWAL: Final = sa.Table(
    "learning_withdrawal", METADATA, _of("proposal", "learning_proposal.id", key=True), _text("reason"), *_who()
)

VERSION: Final = sa.Table(
    "learning_version",
    METADATA,
    _text("id", key=True),
    _text("parent"),
    _text("kind"),
    _text("manifest"),
    _text("signature"),
    _text("document"),
    *_who(),
)

LOOK: Final = sa.Table(
    "learning_look",
    METADATA,
    _seq(),
    _text("holdout"),
    _of("version", "learning_version.id"),
    *_who(),
    sa.Index("learning_look_holdout", "holdout"),
)

EVALUATION: Final = sa.Table(
    "learning_evaluation",
    METADATA,
    _seq(),
    _of("version", "learning_version.id"),
    _flag("accepted"),
    _text("document"),
    *_who(),
    sa.Index("learning_evaluation_version", "version", "seq"),
)

APPROVAL: Final = sa.Table(
    "learning_approval",
    METADATA,
    _seq(),
    _of("version", "learning_version.id"),
    sa.Column("evaluation", sa.Integer, sa.ForeignKey("learning_evaluation.seq"), nullable=False),
    _flag("agrees"),
    _text("reason"),
    *_who(),
    sa.Index("learning_approval_version", "version", "seq"),
)

ACTIVATION: Final = sa.Table(
    "learning_activation",
    METADATA,
    _seq(),
    _text("deed"),
    _text("step"),
    _text("version"),
    _text("before"),
    _text("reason"),
    _text("document"),
    *_who(),
)

TABLES: Final = (
    ROLE,
    CONSENT,
    PROPOSAL,
    CONFIRMATION,
    WITHDRAWAL,
    VERSION,
    LOOK,
    EVALUATION,
    APPROVAL,
    ACTIVATION,
)
