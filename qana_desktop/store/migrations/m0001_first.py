"""The tables of the first release."""

from __future__ import annotations

import sqlalchemy as sa

_TABLES = """
CREATE TABLE site (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE change_set (
    seq INTEGER NOT NULL PRIMARY KEY,
    by TEXT NOT NULL,
    at TEXT NOT NULL,
    what TEXT NOT NULL,
    undoes INTEGER REFERENCES change_set (seq)
);
CREATE INDEX change_set_by ON change_set (by, seq);
CREATE TABLE entity (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    parent TEXT REFERENCES entity (id),
    version INTEGER NOT NULL,
    withdrawn BOOLEAN NOT NULL
);
CREATE INDEX entity_parent ON entity (parent, kind);
CREATE INDEX entity_kind ON entity (kind);
CREATE TABLE record (
    seq INTEGER NOT NULL PRIMARY KEY,
    entity TEXT NOT NULL REFERENCES entity (id),
    version INTEGER NOT NULL,
    withdrawn BOOLEAN NOT NULL,
    payload TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    at TEXT NOT NULL,
    by TEXT NOT NULL,
    change_set INTEGER NOT NULL REFERENCES change_set (seq),
    UNIQUE (entity, version)
);
CREATE INDEX record_change_set ON record (change_set);
CREATE TABLE blob (sha256 TEXT NOT NULL PRIMARY KEY, size INTEGER NOT NULL, at TEXT NOT NULL);
CREATE TABLE audit (
    seq INTEGER NOT NULL PRIMARY KEY,
    at TEXT NOT NULL,
    by TEXT NOT NULL,
    action TEXT NOT NULL,
    kind TEXT NOT NULL,
    entity TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    bundle TEXT NOT NULL,
    engine TEXT NOT NULL,
    note TEXT NOT NULL,
    mac BLOB NOT NULL
);
CREATE INDEX audit_entity ON audit (entity, seq);
CREATE TABLE credential (
    user TEXT NOT NULL PRIMARY KEY REFERENCES entity (id),
    name_key TEXT NOT NULL UNIQUE,
    password TEXT NOT NULL,
    failures INTEGER NOT NULL,
    last_failure TEXT NOT NULL
);
CREATE TABLE worklist (
    encounter TEXT NOT NULL PRIMARY KEY REFERENCES entity (id),
    patient TEXT NOT NULL,
    pseudonym TEXT NOT NULL,
    lesion TEXT NOT NULL,
    body_site TEXT NOT NULL,
    opened TEXT NOT NULL,
    urgency INTEGER NOT NULL,
    malignancy FLOAT,
    predicted TEXT NOT NULL,
    state TEXT NOT NULL,
    proven BOOLEAN NOT NULL,
    images INTEGER NOT NULL,
    tags TEXT NOT NULL,
    words TEXT NOT NULL
);
CREATE INDEX worklist_order ON worklist (urgency, opened, encounter, state, words);
CREATE INDEX worklist_state ON worklist (state, urgency, opened, encounter);
CREATE INDEX worklist_pseudonym ON worklist (pseudonym, opened);
"""


def apply(connection: sa.Connection) -> None:
    """Make the tables, and let the ones that only grow refuse everything else."""
    for statement in _TABLES.split(";"):
        if statement.strip():
            connection.exec_driver_sql(statement)
    for table in ("record", "change_set", "audit", "blob"):
        for deed in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
            )
