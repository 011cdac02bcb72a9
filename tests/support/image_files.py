"""Image files of every kind that a clinic, or somebody worse, may bring, written byte by byte where needed."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

UInt8Image = npt.NDArray[np.uint8]

ORIENTATIONS = range(1, 9)
CORNERS = ((230, 90, 80), (90, 170, 80), (80, 90, 210), (220, 200, 90))


def picture(width: int = 240, height: int = 160) -> UInt8Image:
    """Draw skin with a lesion and some structure; the same pixels every time. Readable by the quality check."""
    random = np.random.default_rng(width * 10_000 + height)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    distance = np.hypot(x - width * 0.5, y - height * 0.48) / min(width, height)
    inside = 1 / (1 + np.exp((distance - 0.27) * 60))
    skin, lesion = np.array([216, 170, 148], np.float32), np.array([120, 74, 52], np.float32)
    fine = cv2.GaussianBlur(random.normal(0, 18, (height, width)).astype(np.float32), (0, 0), 0.8)
    coarse = cv2.GaussianBlur(random.normal(0, 60, (height, width)).astype(np.float32), (0, 0), 5)
    rgb = skin + (lesion - skin) * inside[..., None] + (fine + coarse)[..., None]
    return np.clip(rgb, 0, 255).astype(np.uint8)


def corners(width: int = 240, height: int = 160) -> UInt8Image:
    """Four quarters, each of its own colour: shows every turn and mirror, also after JPEG."""
    rgb = np.empty((height, width, 3), np.uint8)
    rgb[: height // 2, : width // 2], rgb[: height // 2, width // 2 :] = CORNERS[0], CORNERS[1]
    rgb[height // 2 :, : width // 2], rgb[height // 2 :, width // 2 :] = CORNERS[2], CORNERS[3]
    return rgb


def encode(suffix: str, rgb: npt.NDArray[np.generic], *settings: int) -> bytes:
    """Encode RGB, RGBA or grey, 8 or 16 bits, with OpenCV."""
    order = {2: None, 3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}[rgb.ndim if rgb.ndim == 2 else rgb.shape[2]]
    pixels = rgb if order is None else cv2.cvtColor(rgb, order)
    done, data = cv2.imencode(suffix, pixels, settings)
    assert done
    return data.tobytes()


def jpeg(rgb: UInt8Image, *, quality: int = 92, progressive: bool = False) -> bytes:
    """A JPEG file."""
    return encode(".jpg", rgb, cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive))


def lossless_webp(rgb: npt.NDArray[np.generic]) -> bytes:
    """A WebP file that keeps every pixel."""
    return encode(".webp", rgb, cv2.IMWRITE_WEBP_QUALITY, 101)


# --- EXIF


def exif(orientation: int, *, padding: int = 0, endian: str = "<") -> bytes:
    """A TIFF directory with an orientation, followed by `padding` bytes."""
    order = b"II" if endian == "<" else b"MM"
    entry = struct.pack(endian + "HHIHH", 274, 3, 1, orientation, 0)
    return order + struct.pack(endian + "HIH", 42, 8, 1) + entry + bytes(4) + b"\x5a" * padding


def jpeg_segment(marker: int, content: bytes) -> bytes:
    """One JPEG segment."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def jpeg_with_exif(data: bytes, block: bytes, *, more: Sequence[bytes] = ()) -> bytes:
    """The JPEG file `data` with an EXIF block and `more` APP1 segments before everything else."""
    segments = [jpeg_segment(0xE1, b"Exif\0\0" + block), *(jpeg_segment(0xE1, content) for content in more)]
    return data[:2] + b"".join(segments) + data[2:]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """One PNG chunk with its checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_with_chunk(data: bytes, kind: bytes, content: bytes) -> bytes:
    """The PNG file `data` with one more chunk after its header."""
    return data[:33] + png_chunk(kind, content) + data[33:]


def webp_with_exif(data: bytes, block: bytes, size: tuple[int, int]) -> bytes:
    """The simple WebP file `data`, extended by an EXIF chunk."""
    width, height = size
    header = struct.pack("<B3x", 0x08) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    block += bytes(len(block) % 2)
    chunks = b"VP8X" + struct.pack("<I", 10) + header + data[12:] + b"EXIF" + struct.pack("<I", len(block)) + block
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def tiff(rgb: npt.NDArray[np.generic], *, photometric: int = 2, orientation: int = 1, next_page: int = 0) -> bytes:
    """An uncompressed TIFF file of 8- or 16-bit samples; `photometric` 5 is CMYK, else a fourth sample is alpha."""
    height, width, samples = rgb.shape
    bits = rgb.dtype.itemsize * 8
    pixels = rgb.tobytes()
    at_bits = 8 + len(pixels)
    at_tags = at_bits + 2 * samples
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, samples, at_bits),
        (259, 3, 1, 1),
        (262, 3, 1, photometric),
        (273, 4, 1, 8),
        (274, 3, 1, orientation),
        (277, 3, 1, samples),
        (278, 4, 1, height),
        (279, 4, 1, len(pixels)),
    ]
    if samples == 4 and photometric == 2:
        tags.append((338, 3, 1, 2))
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    depths = struct.pack(f"<{samples}H", *[bits] * samples)
    return b"II*\0" + struct.pack("<I", at_tags) + pixels + depths + directory + struct.pack("<I", next_page)


# --- odd, old, animated and hostile


def cmyk_jpeg(rgb: UInt8Image) -> bytes:
    """A CMYK JPEG as printing programs write it (Adobe marker, inverted inks): four scans, each of one component."""
    inks = [rgb[..., i] for i in range(3)] + [np.full(rgb.shape[:2], 255, np.uint8)]
    grey = [encode(".jpg", np.ascontiguousarray(ink), cv2.IMWRITE_JPEG_QUALITY, 92) for ink in inks]
    tables = b"".join(_segments(grey[0], {0xDB, 0xC4}))
    height, width = rgb.shape[:2]
    components = b"".join(bytes((number, 0x11, 0)) for number in range(1, 5))
    frame = jpeg_segment(0xC0, struct.pack(">BHHB", 8, height, width, 4) + components)
    scans = b"".join(
        jpeg_segment(0xDA, bytes((1, number, 0x00, 0, 63, 0))) + _scan(data)
        for number, data in enumerate(grey, start=1)
    )
    adobe = jpeg_segment(0xEE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 0))
    return b"\xff\xd8" + adobe + tables + frame + scans + b"\xff\xd9"


def _segments(data: bytes, wanted: set[int]) -> list[bytes]:
    found, at = [], 2
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] in wanted:
            found.append(data[at:end])
        at = end
    return found


def _scan(data: bytes) -> bytes:
    start = data.index(b"\xff\xda")
    start += 2 + int.from_bytes(data[start + 2 : start + 4], "big")
    return data[start:-2]


def animated(suffix: str, frames: Sequence[UInt8Image]) -> bytes:
    """An animated PNG or WebP file."""
    film = cv2.Animation()
    film.frames = [cv2.cvtColor(frame, cv2.COLOR_RGB2BGRA) for frame in frames]
    film.durations = np.full(len(frames), 100)
    done, data = cv2.imencodeanimation(suffix, film)
    assert done
    return data.tobytes()


def png_bomb(side: int = 40_000) -> bytes:
    """A valid black-and-white PNG of `side` x `side` pixels, small as a file; as RGB it takes 3 x side**2 bytes."""
    packer = zlib.compressobj(1)
    row = bytes(1 + (side + 7) // 8)
    packed = io.BytesIO()
    for _ in range(side):
        packed.write(packer.compress(row))
    packed.write(packer.flush())
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", packed.getvalue()) + png_chunk(b"IEND", b"")


def every_format() -> dict[str, bytes]:
    """One ordinary file of each format that is read."""
    rgb = picture()
    return {
        "JPEG": jpeg(rgb),
        "progressive JPEG": jpeg(rgb, progressive=True),
        "PNG": encode(".png", rgb),
        "TIFF": tiff(rgb),
        "compressed TIFF": encode(".tiff", rgb),
        "BMP": encode(".bmp", rgb),
        "WebP": encode(".webp", rgb, cv2.IMWRITE_WEBP_QUALITY, 90),
        "lossless WebP": lossless_webp(rgb),
    }
