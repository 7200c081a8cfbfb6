"""Bytes on disk: whole or absent, hashed, and never somebody else's."""

from oncohort.storage.apart import require_apart
from oncohort.storage.atomic import atomic_path, cannot_write, read_json, write_bytes, write_json
from oncohort.storage.differences import told_differences
from oncohort.storage.exclusive import exclusive
from oncohort.storage.folders import WORK_FILE, claim_folder, read_work, release_folder, remove_unlisted
from oncohort.storage.hashing import content_key, file_stamp, sha256_bytes, sha256_file, sha256_files
from oncohort.storage.settings_text import as_tuple, parse_setting, parse_toml, read_settings_text, wrong_setting
from oncohort.storage.stems import decode_stem, encode_stem
from oncohort.storage.temporary import temporary_folder

__all__ = [
    "WORK_FILE",
    "as_tuple",
    "atomic_path",
    "cannot_write",
    "claim_folder",
    "content_key",
    "decode_stem",
    "encode_stem",
    "exclusive",
    "file_stamp",
    "parse_setting",
    "parse_toml",
    "read_json",
    "read_settings_text",
    "read_work",
    "release_folder",
    "remove_unlisted",
    "require_apart",
    "sha256_bytes",
    "sha256_file",
    "sha256_files",
    "temporary_folder",
    "told_differences",
    "write_bytes",
    "write_json",
    "wrong_setting",
]
