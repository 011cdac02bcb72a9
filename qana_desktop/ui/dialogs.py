"""The system's dialogs for files and folders, and how a sheet of our own comes to the front."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from qana_desktop.ui.texts import tr

IMAGE_FILES = "*.jpg *.jpeg *.png *.tif *.tiff *.bmp *.webp *.dcm *.zip"


def ask_for_files(parent: QWidget) -> list[Path]:
    """Let a person choose image files; empty when they chose none."""
    title, kinds = tr("Open images"), tr("Images ({files});;All files (*)", files=IMAGE_FILES)
    files, _kind = QFileDialog.getOpenFileNames(parent, title, "", kinds)
    return [Path(file) for file in files]


def ask_for_folder(parent: QWidget) -> list[Path]:
    """Let a person choose one folder; empty when they chose none."""
    folder = QFileDialog.getExistingDirectory(parent, tr("Open a folder of images"))
    return [Path(folder)] if folder else []


def open_sheet(sheet: QWidget) -> None:
    """Show a sheet, in front and with the keys."""
    sheet.show()
    sheet.raise_()
    sheet.activateWindow()


def ask_for_backup_folder(parent: QWidget) -> Path | None:
    """Let a person choose where backups are kept."""
    title = tr("Where backups are kept, best on another disk")
    folder = QFileDialog.getExistingDirectory(parent, title)
    return Path(folder) if folder else None
