"""The command line: each command parses, calls one function of the library, and shows what it gave."""

from oncohort.cli.app import app, run_command

__all__ = ["app", "run_command"]
