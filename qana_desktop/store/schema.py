"""The tables, as the repositories see them. `migrations` makes them; a test holds the two together.

`record`, `change_set`, `audit` and `blob` only grow. `entity` and `worklist` say what is current and can be made again
from `record`. Only `credential` has rows that change and stand nowhere else.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

METADATA: Final = sa.MetaData()

SITE: Final = sa.Table(
    "site",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

CHANGE_SET: Final = sa.Table(
    "change_set",
    METADATA,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("undoes", sa.Integer, sa.ForeignKey("change_set.seq")),
    sa.Index("change_set_by", "by", "seq"),
)

RECORD: Final = sa.Table(
    "record",
    METADATA,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("entity", sa.Text, sa.ForeignKey("entity.id"), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("withdrawn", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("change_set", sa.Integer, sa.ForeignKey("change_set.seq"), nullable=False),
    sa.UniqueConstraint("entity", "version"),
    sa.Index("record_change_set", "change_set"),
)

ENTITY: Final = sa.Table(
    "entity",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("parent", sa.Text, sa.ForeignKey("entity.id")),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("withdrawn", sa.Boolean(create_constraint=False), nullable=False),
    sa.Index("entity_parent", "parent", "kind"),
    sa.Index("entity_kind", "kind"),
)

BLOB: Final = sa.Table(
    "blob",
    METADATA,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)

AUDIT: Final = sa.Table(
    "audit",
    METADATA,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("before", sa.Text, nullable=False),
    sa.Column("after", sa.Text, nullable=False),
    sa.Column("bundle", sa.Text, nullable=False),
    sa.Column("engine", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("mac", sa.LargeBinary, nullable=False),
    sa.Index("audit_entity", "entity", "seq"),
)

CREDENTIAL: Final = sa.Table(
    "credential",
    METADATA,
    sa.Column("user", sa.Text, sa.ForeignKey("entity.id"), primary_key=True),
    sa.Column("name_key", sa.Text, nullable=False, unique=True),
    sa.Column("password", sa.Text, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_failure", sa.Text, nullable=False),
)

WORKLIST: Final = sa.Table(
    "worklist",
    METADATA,
    sa.Column("encounter", sa.Text, sa.ForeignKey("entity.id"), primary_key=True),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("pseudonym", sa.Text, nullable=False),
    sa.Column("lesion", sa.Text, nullable=False),
    sa.Column("body_site", sa.Text, nullable=False),
    sa.Column("opened", sa.Text, nullable=False),
    sa.Column("urgency", sa.Integer, nullable=False),
    sa.Column("malignancy", sa.Float),
    sa.Column("predicted", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("proven", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("images", sa.Integer, nullable=False),
    sa.Column("tags", sa.Text, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    # Holds all that a search looks at, in the order of the worklist: a search reads this index and nothing else.
    sa.Index("worklist_order", "urgency", "opened", "encounter", "state", "words"),
    sa.Index("worklist_state", "state", "urgency", "opened", "encounter"),
    sa.Index("worklist_pseudonym", "pseudonym", "opened"),
)
