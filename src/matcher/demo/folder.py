"""A folder whose files are made anew each time, beside whatever else somebody keeps there."""

from __future__ import annotations

from pathlib import Path

from matcher.errors import Conflict

MANIFEST = ".made-by-matcher-demo"
"""Lists what was made here, a path a line; nothing else is ever deleted or overwritten."""


class DemoFolder:
    """Gives out paths for new files, and removes those of the time before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._manifest = path / MANIFEST

    def clear(self) -> None:
        """Delete what was made here before, and the folders that are empty then."""
        for name in self._listed():
            made = self.path / name
            made.unlink(missing_ok=True)
            if made.parent != self.path and made.parent.is_dir() and not any(made.parent.iterdir()):
                made.parent.rmdir()
        self._manifest.unlink(missing_ok=True)

    def claim(self, *names: str) -> Path:
        """Note files as ours, before they are made; the path of the first.

        Raises:
            Conflict: one is there already, and is somebody else's.
        """
        for name in names:
            path = self.path / name
            if path.exists():
                raise Conflict(
                    f"{path} was not made by the demo, which leaves it alone: "
                    "move it away, or choose another --folder.",
                    f"{path} は演習が作成したものではないため、上書きしません。"
                    "移動するか、--folder で別のフォルダーを指定してください。",
                )
        (self.path / names[0]).parent.mkdir(parents=True, exist_ok=True)
        with self._manifest.open("a", encoding="utf-8") as manifest:
            manifest.writelines(f"{name}\n" for name in names)
        return self.path / names[0]

    def _listed(self) -> list[str]:
        if not self._manifest.exists():
            return []
        names = self._manifest.read_text(encoding="utf-8").splitlines()
        home = self.path.resolve()
        return [name for name in names if (home / name).resolve().is_relative_to(home)]
