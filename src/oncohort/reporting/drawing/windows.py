"""Windows in which a CT is read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """A window of a CT.

    Args:
        name: What it is called.
        width: HU from black to white.
        level: HU in the middle.

    Examples:
        >>> WINDOWS["mediastinum"].bounds
        (-135.0, 215.0)
    """

    name: str
    width: float
    level: float

    @property
    def bounds(self) -> tuple[float, float]:
        """HU shown black and HU shown white."""
        return self.level - self.width / 2, self.level + self.width / 2

    @property
    def words(self) -> str:
        """Name, width and level as a caption writes them."""
        return f"{self.name} W {self.width:g} L {self.level:g}"


_ALL = (
    Window("mediastinum", 350, 40),
    Window("lung", 1400, -700),
    Window("soft-tissue", 400, 50),
    Window("liver", 150, 30),
    Window("bone", 1800, 400),
    Window("brain", 80, 40),
    Window("wide", 2000, 0),
)

WINDOWS = {window.name: window for window in _ALL}
"""Windows by name: mediastinum and lung as the readers of Lung-PET-CT-Dx set them, the others as is common."""
