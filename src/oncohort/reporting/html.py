"""Templates, filled: one file that needs nothing beside it and runs no script but its own."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from oncohort.reporting.palette import MODEL_COLOURS, MODEL_COLOURS_ON_DARK, OTHER_COLOUR, REFERENCE_COLOUR


def fill_template(name: str, **values: Any) -> str:
    """The page that a template makes of values, with style, script and the policy that allows no others.

    Every string is escaped.

    Args:
        name: Of a file in `templates`.
        values: What the template names.
    """
    environment = Environment(
        loader=PackageLoader("oncohort.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    colours = {
        "models": (*MODEL_COLOURS, OTHER_COLOUR),
        "models_on_dark": MODEL_COLOURS_ON_DARK,
        "reference": REFERENCE_COLOUR,
    }
    style = environment.get_template("report.css.j2").render(colours=colours)
    script = environment.get_template("report.js").render()
    return environment.get_template(name).render(
        **values,
        style=Markup(style),  # noqa: S704 - our own file, without data
        script=Markup(script),  # noqa: S704 - our own file, without data
        policy=f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
    )


def svg_uri(svg: str) -> str:
    """A figure as the address of an image.

    Examples:
        >>> svg_uri("<svg/>")
        'data:image/svg+xml;base64,PHN2Zy8+'
    """
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode('ascii')}"


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
