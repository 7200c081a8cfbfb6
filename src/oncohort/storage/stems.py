"""Case ids as file names and back."""

from __future__ import annotations

from urllib.parse import unquote

_REFUSED = set('<>:"/\\|?*%')
_DEVICES = {"con", "prn", "aux", "nul"} | {f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10)}


def encode_stem(identifier: str) -> str:
    """A file name for any identifier; characters that file systems refuse are percent-encoded.

    Spaces and letters of other scripts stay, because published case ids hold them.

    Examples:
        >>> encode_stem("fdg_1 a/b")
        'fdg_1 a%2Fb'
        >>> encode_stem("..")
        '%2E%2E'
    """
    text = "".join(_encode(c) if c in _REFUSED or ord(c) < 32 or ord(c) == 127 else c for c in identifier)
    if text[:1] in (".", "-", " ") or text.lower() in _DEVICES:
        text = _encode(text[0]) + text[1:]
    if text[-1:] in (".", " "):
        text = text[:-1] + _encode(text[-1])
    return text


def decode_stem(stem: str) -> str:
    """The identifier that `encode_stem` turned into `stem`.

    Examples:
        >>> decode_stem(encode_stem("100% a/b."))
        '100% a/b.'
    """
    return unquote(stem)


def _encode(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())
