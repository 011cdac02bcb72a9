"""The log file: events and ids, never names, paths or pixels.

Two nets keep patients out of it. Templates are written by us and carry no data (ruff's G rules forbid f-strings there),
so only arguments can: one that does not look like an id or a number is replaced. Of an exception, the type, the fault's
code and the places in the code are kept, the message is not.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from enum import Enum
from logging.handlers import RotatingFileHandler
from numbers import Number
from pathlib import Path
from types import TracebackType

from qana_desktop.system.faults import KnownError

LOGGER = "qana_desktop"
LOG_FILE = "qana-desktop.log"
WITHHELD = "[withheld]"
MAX_BYTES, KEPT_FILES = 1_000_000, 5

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,79}")
_FILE = re.compile(r"\.(jpe?g|png|tiff?|bmp|webp|dcm|dicom|gif|heic|csv|json|onnx|fbz)$", re.IGNORECASE)

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def safe_argument(value: object) -> object:
    """Return the value if it is a number, an enumeration's member or shaped like an id; else that it was withheld."""
    if value is None or isinstance(value, Number | Enum):
        return value
    if isinstance(value, str) and _ID.fullmatch(value) and not _FILE.search(value):
        return value
    return WITHHELD


def describe_exception(error: BaseException) -> str:
    """Return type, fault code if it has one, and the places in the code, innermost last; never the message."""
    chain = [f"{_name(error)} at {' > '.join(places(error.__traceback__)) or 'no frame'}"]
    if error.__cause__ is not None:
        chain.append(f"caused by {describe_exception(error.__cause__)}")
    return "; ".join(chain)


def places(traceback: TracebackType | None) -> list[str]:
    """Return `module:line function` of each frame. The module's name stands for the file, whose path names the user."""
    found = []
    while traceback is not None:
        frame = traceback.tb_frame
        found.append(f"{frame.f_globals.get('__name__', '?')}:{traceback.tb_lineno} {frame.f_code.co_name}")
        traceback = traceback.tb_next
    return found


def _name(error: BaseException) -> str:
    code = f"({error.fault.code})" if isinstance(error, KnownError) else ""
    return f"{type(error).__qualname__}{code}"


class RedactingFormatter(logging.Formatter):
    """Formats a record as `time level logger event`, with unsafe arguments withheld."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)sZ %(levelname)s %(name)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for the file; the record itself stays as it is for other handlers."""
        copy = logging.makeLogRecord(record.__dict__)
        if isinstance(record.args, Mapping):
            copy.args = {key: safe_argument(value) for key, value in record.args.items()}
        else:
            copy.args = tuple(safe_argument(value) for value in record.args or ())
        copy.exc_text = copy.stack_info = None
        return super().format(copy)

    def formatException(self, ei: ExcInfo) -> str:
        """Return the exception without its message."""
        return describe_exception(ei[1]) if ei[1] is not None else ""


class RedactingFileHandler(RotatingFileHandler):
    """The log file of this program. A line that cannot be written is dropped, not printed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8")
        self.setFormatter(RedactingFormatter())

    def handleError(self, record: logging.LogRecord) -> None:
        """Do nothing: the default prints the raw arguments to stderr."""


def open_log(folder: Path, *, level: int = logging.INFO) -> logging.Handler:
    """Write the program's log to a rotating file in `folder` from now on; `close_log` ends it. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    handler = RedactingFileHandler(folder / LOG_FILE)
    logger = logging.getLogger(LOGGER)
    logger.addHandler(handler)
    logger.setLevel(level)
    return handler


def close_log(handler: logging.Handler) -> None:
    """Stop writing to the file and close it."""
    logging.getLogger(LOGGER).removeHandler(handler)
    handler.close()
