"""The way to the encrypted database: SQLCipher under SQLAlchemy, durable commits, nothing in the clear on the disk.

Pages are AES-256-CBC with HMAC-SHA-512 each (SQLCipher 4): a wrong key or a changed page is an error, never wrong data.
The key goes in raw, from the connection's creator, so that it is in no URL, statement log or error message.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool
from sqlcipher3 import dbapi2

WRITES: Final = "qana_writes"
BUSY_TIMEOUT_S: Final = 5.0


def open_raw(path: Path, key: bytes, *, mode: str = "rw") -> dbapi2.Connection:
    """Open the database without a pool. `mode` is rw, rwc (create) or ro.

    Raises dbapi2.Error. A wrong key is noticed at the first read.
    """
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = dbapi2.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_S)
    # SQLCipher would write its own diagnoses to stderr; ours are sentences.
    connection.execute("PRAGMA cipher_log_level = NONE")
    connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")
    connection.execute("PRAGMA checkpoint_fullfsync = ON")
    return connection


def make_database(path: Path, key: bytes) -> None:
    """Make an empty database with a write-ahead log; raises dbapi2.Error."""
    with closing(open_raw(path, key, mode="rwc")) as connection:
        connection.execute("PRAGMA journal_mode = WAL").fetchall()


def open_engine(path: Path, key: bytes, *, mode: str = "rw") -> sa.Engine:
    """Return an engine. A connection with execution option `WRITES` locks for writing when its transaction starts."""
    engine = sa.create_engine(
        "sqlite://",
        module=dbapi2,
        creator=lambda: open_raw(path, key, mode=mode),
        poolclass=QueuePool,
        pool_size=4,
        max_overflow=12,
        hide_parameters=True,
    )
    sa.event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: sa.Connection) -> None:
    # The driver begins no transaction by itself (isolation_level None): reads are snapshots, writes lock at once.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
