"""Finds the folders that travel with the package: templates and examples.

In a checkout they stand beside the package; in an installed wheel, inside it.
"""

from pathlib import Path


def folder(name: str) -> Path:
    """Return the folder ``templates`` or ``examples``, wherever the package was installed."""
    package = Path(__file__).parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name
