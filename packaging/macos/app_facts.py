"""What macOS is told of the program: identifier, Info.plist, and the order in which its parts are signed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

APP_ID = "qana-desktop"
APP_NAME = "QANA Desktop.app"
OLDEST_MACOS = "13.0"

ENTITLEMENTS = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>com.apple.security.cs.allow-unsigned-executable-memory</key><true/>
  <key>com.apple.security.cs.disable-library-validation</key><true/>
</dict>
</plist>
"""
"""For the hardened runtime: Python's ctypes makes code at run time, and Qt's libraries may be replaced (LGPL)."""

IMAGE_TYPES = ("public.jpeg", "public.png", "public.tiff", "com.microsoft.bmp", "org.webmproject.webp")


def info_plist(version: str) -> dict[str, object]:
    """Return what Info.plist says besides what PyInstaller writes itself."""
    return {
        "CFBundleDisplayName": "QANA Desktop",
        "CFBundleExecutable": "qana-desktop-window",
        "CFBundleShortVersionString": version,
        "CFBundleDocumentTypes": [
            {
                "CFBundleTypeName": "Image",
                "CFBundleTypeRole": "Viewer",
                "LSHandlerRank": "None",
                "LSItemContentTypes": list(IMAGE_TYPES),
            }
        ],
        "LSApplicationCategoryType": "public.app-category.medical",
        "LSBackgroundOnly": False,
        "LSMinimumSystemVersion": OLDEST_MACOS,
        "NSCameraUsageDescription": "Images of the lesion are taken with the camera that you choose.",
        "NSHighResolutionCapable": True,
        "NSHumanReadableCopyright": "Research use, decision support for trained clinicians, not a medical device.",
    }


def signing_order(files: Iterable[str]) -> list[str]:
    """Return what is signed, in order: from the inside out, libraries before frameworks, the program last.

    `files` are paths inside the .app. A signature covers what lies below, so that has to be signed before.
    """
    paths = {PurePosixPath(name) for name in files}
    libraries = {path for path in paths if path.suffix in {".dylib", ".so"} or ".so." in path.name}
    frameworks = {parent for path in paths for parent in path.parents if parent.suffix == ".framework"}
    programs = {path for path in paths if path.parts[:2] == ("Contents", "MacOS")}
    main = PurePosixPath("Contents/MacOS/qana-desktop-window")
    inside = [*(libraries - programs), *frameworks, *(programs - {main})]
    ordered = sorted(inside, key=lambda path: (-len(path.parts), path in programs, str(path)))
    return [str(path) for path in ordered] + ([str(main)] if main in programs else [])


def codesign_commands(app: Path, identity: str, entitlements: Path, files: Iterable[str]) -> list[list[str]]:
    """Return the commands that sign an .app with a Developer ID for the hardened runtime."""
    sign = ["codesign", "--force", "--timestamp", "--options", "runtime", "--sign", identity]
    powers = ["--entitlements", str(entitlements)]
    signed = [
        [*sign, *(powers if name.startswith("Contents/MacOS/") else []), str(app / name)]
        for name in signing_order(files)
    ]
    verify = ["codesign", "--verify", "--deep", "--strict", "--verbose=2", str(app)]
    return [*signed, [*sign, *powers, str(app)], verify]


def notarise_commands(image: Path, profile: str) -> list[list[str]]:
    """Return the commands that let Apple look at the image and fasten the answer to it; `profile` is of a keychain."""
    return [
        ["xcrun", "notarytool", "submit", str(image), "--keychain-profile", profile, "--wait"],
        ["xcrun", "stapler", "staple", str(image)],
        ["spctl", "--assess", "--type", "open", "--context", "context:primary-signature", "--verbose", str(image)],
    ]
