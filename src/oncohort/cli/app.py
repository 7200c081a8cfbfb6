"""The application: its commands in groups, and what becomes of errors."""

from __future__ import annotations

from collections.abc import Sequence

from cyclopts import App, CycloptsError, Group

from oncohort import __version__
from oncohort.cli.output import ExitCode, print_json, show_error
from oncohort.cli.word_order import format_first
from oncohort.errors import OncohortError, SettingsError

app = App(
    name="oncohort",
    help="Turns scans into benchmarks for tumour segmentation on CT and PET/CT.",
    version=__version__,
    suppress_keyboard_interrupt=False,  # run_command answers with an exit code
    help_epilogue=(
        "Exit codes: 0 all done; 1 done, but images or cases were refused or findings are errors; "
        "2 nothing could be done; 64 wrong usage."
    ),
)

_GROUPS = (
    ("start", ("start:demo", "start:run")),
    ("cohorts", ("cohorts:ingest", "cohort_info:info", "cohorts:harmonise", "splitting:split", "exports:export")),
    ("models", ("models:segment", "training:train")),
    ("benchmarks", ("benchmarks:evaluate", "benchmarks:rank", "variants:sensitivity", "profiles:profile")),
    ("data", ("data:phantom", "converting:convert", "uptake:suv", "proof:verify")),
    ("pages", ("pages:report", "showing:show")),
)
"""Commands by group, as module and function; a module is imported when its command is called or its help is shown."""

for _position, (_title, _commands) in enumerate(_GROUPS):
    _group = Group(_title, sort_key=_position)
    for _command in _commands:
        app.command(f"oncohort.cli.{_command}", group=_group)


def run_command(arguments: Sequence[str]) -> int:
    """The exit code of one call of the command line.

    Args:
        arguments: What follows the program's name.

    Examples:
        >>> run_command(["profile", "show", "no-such-profile"])
        64
    """
    if not arguments or arguments[0] in app.help_flags:
        app.resolved_commands()  # the list of commands shows what each does
    try:
        code = app(_ordered(arguments), exit_on_error=False, print_error=True, result_action="return_value")
    except CycloptsError as error:
        if "--json" in arguments:
            print_json({"error": {"kind": "UsageError", "found": str(error)}})
        return int(ExitCode.USAGE)
    except OncohortError as error:
        show_error(error, as_json="--json" in arguments)
        return int(ExitCode.USAGE if isinstance(error, SettingsError) else ExitCode.NOTHING)
    except OSError as error:
        show_error(_unforeseen(error), as_json="--json" in arguments)
        return int(ExitCode.NOTHING)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    return int(code or 0)


def _ordered(arguments: Sequence[str]) -> list[str]:
    if arguments[:1] != ["export"]:
        return list(arguments)
    return format_first(arguments, [name for name in app["export"] if not name.startswith("-")])


def _unforeseen(error: OSError) -> OncohortError:
    """What the system says of a file or folder that no room of the library asked about."""
    return OncohortError(
        expected="files and folders that can be read and written",
        found=error.strerror or str(error),
        where=str(error.filename or "the file system"),
        remedy="check the path, its permissions and the free space; the same command continues",
    )
