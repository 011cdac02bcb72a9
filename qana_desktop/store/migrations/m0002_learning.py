"""Tables of local learning: who proposed what, who confirmed it, which versions came of it, and what was decided."""

from __future__ import annotations

import sqlalchemy as sa

_TABLES = """
CREATE TABLE learning_role (
    patient TEXT NOT NULL PRIMARY KEY REFERENCES entity (id),
    role TEXT NOT NULL,
    at TEXT NOT NULL,
    by TEXT NOT NULL
);
CREATE TABLE learning_consent (
    seq INTEGER NOT NULL PRIMARY KEY,
    patient TEXT NOT NULL REFERENCES entity (id),
    given BOOLEAN NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    by TEXT NOT NULL
);
CREATE INDEX learning_consent_patient ON learning_consent (patient, seq);
CREATE TABLE learning_proposal (
    id TEXT NOT NULL PRIMARY KEY,
    image TEXT NOT NULL REFERENCES entity (id),
    lesion TEXT NOT NULL REFERENCES entity (id),
    patient TEXT NOT NULL REFERENCES entity (id),
    sha256 TEXT NOT NULL,
    picture TEXT NOT NULL,
    features BLOB NOT NULL,
    views INTEGER NOT NULL,
    backbone TEXT NOT NULL,
    label TEXT NOT NULL,
    source TEXT NOT NULL,
    reported TEXT NOT NULL,
    note TEXT NOT NULL,
    second TEXT NOT NULL,
    answer TEXT NOT NULL,
    at TEXT NOT NULL,
    by TEXT NOT NULL
);
CREATE INDEX learning_proposal_image ON learning_proposal (image);
CREATE INDEX learning_proposal_patient ON learning_proposal (patient);
CREATE TABLE learning_confirmation (
    seq INTEGER NOT NULL PRIMARY KEY,
    proposal TEXT NOT NULL REFERENCES learning_proposal (id),
    agrees BOOLEAN NOT NULL,
    note TEXT NOT NULL,
    at TEXT NOT NULL,
    by TEXT NOT NULL,
    UNIQUE (proposal, by)
);
CREATE TABLE learning_withdrawal (
    proposal TEXT NOT NULL PRIMARY KEY REFERENCES learning_proposal (id),
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    by TEXT NOT NULL
);
CREATE TABLE learning_version (
    id TEXT NOT NULL PRIMARY KEY,
    parent TEXT NOT NULL,
    kind TEXT NOT NULL,
    manifest TEXT NOT NULL,
    signature TEXT NOT NULL,
    document TEXT NOT NULL,
    at TEXT NOT NULL,
    by TEXT NOT NULL
);
CREATE TABLE learning_look (
    seq INTEGER NOT NULL PRIMARY KEY,
    holdout TEXT NOT NULL,
    version TEXT NOT NULL REFERENCES learning_version (id),
    at TEXT NOT NULL,
    by TEXT NOT NULL
);
CREATE INDEX learning_look_holdout ON learning_look (holdout);
CREATE TABLE learning_evaluation (
    seq INTEGER NOT NULL PRIMARY KEY,
    version TEXT NOT NULL REFERENCES learning_version (id),
    accepted BOOLEAN NOT NULL,
    document TEXT NOT NULL,
    at TEXT NOT NULL,
    by TEXT NOT NULL
);
CREATE INDEX learning_evaluation_version ON learning_evaluation (version, seq);
CREATE TABLE learning_approval (
    seq INTEGER NOT NULL PRIMARY KEY,
    version TEXT NOT NULL REFERENCES learning_version (id),
    evaluation INTEGER NOT NULL REFERENCES learning_evaluation (seq),
    agrees BOOLEAN NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    by TEXT NOT NULL
);
CREATE INDEX learning_approval_version ON learning_approval (version, seq);
CREATE TABLE learning_activation (
    seq INTEGER NOT NULL PRIMARY KEY,
    deed TEXT NOT NULL,
    step TEXT NOT NULL,
    version TEXT NOT NULL,
    before TEXT NOT NULL,
    reason TEXT NOT NULL,
    document TEXT NOT NULL,
    at TEXT NOT NULL,
    by TEXT NOT NULL
)
"""

TABLES = (
    "learning_role",
    "learning_consent",
    "learning_proposal",
    "learning_confirmation",
    "learning_withdrawal",
    "learning_version",
    "learning_look",
    "learning_evaluation",
    "learning_approval",
    "learning_activation",
)


def apply(connection: sa.Connection) -> None:
    """Make the tables; all of them only grow."""
    for statement in _TABLES.split(";"):
        connection.exec_driver_sql(statement)
    for table in TABLES:
        for deed in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
            )
