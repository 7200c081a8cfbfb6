"""What stands beside synthetic data, in whatever layout they are."""

from typing import Final

TRUTH_FILE: Final = "phantom.json"
"""What is true of the patients; its entry `synthetic` is true."""
