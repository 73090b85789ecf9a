"""The console's files, if they were built: served without a token, because they hold nothing of the record."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from keepclear.server.problems import NoSuch

NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>keepclear</title>
<p>This node runs without the console: its pages were not built. The commands and the API work.</p>
<p lang="ar" dir="rtl">هذه العقدة تعمل دون الشاشة: لم تُبنَ صفحاتها. الأوامر والواجهة البرمجية تعمل.</p>
</html>
"""

_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain",
}


def built_console() -> Path | None:
    """The folder of the built console in this package, or None."""
    folder = Path(str(resources.files("keepclear") / "console_dist"))
    return folder if (folder / "index.html").is_file() else None


def console_paths(folder: Path | None) -> frozenset[str]:
    """The paths under which `console_files` serves what is in the folder."""
    return frozenset({"/", *(f"/{path}" for path in (_listed(folder) if folder else ()))})


def console_files(folder: Path | None) -> list[HTTPRouteHandler]:
    """Routes for `/` and every file below the folder. Only files found there now are ever served."""
    files = {} if folder is None else _listed(folder)

    def answer(path: str) -> Response[bytes]:
        if path not in files:
            raise NoSuch("there is no such page here", field="path")
        hashed = path.startswith("assets/")
        headers = {"cache-control": "public, max-age=31536000, immutable" if hashed else "no-cache"}
        media_type = _TYPES.get(files[path].suffix, "application/octet-stream")
        return Response(files[path].read_bytes(), media_type=media_type, headers=headers)

    @get("/", sync_to_thread=False, include_in_schema=False)
    def index() -> Response[bytes]:
        if folder is None:
            return Response(NOT_BUILT.encode(), media_type="text/html")
        return answer("index.html")

    @get("/{path:path}", sync_to_thread=False, include_in_schema=False)
    def file(path: FromPath[str]) -> Response[bytes]:
        return answer(str(path).lstrip("/"))

    return [index, file]


def _listed(folder: Path) -> dict[str, Path]:
    root = folder.resolve()
    found = (each for each in root.rglob("*") if each.is_file() and not each.name.startswith("."))
    return {each.relative_to(root).as_posix(): each for each in found if root in each.resolve().parents}
