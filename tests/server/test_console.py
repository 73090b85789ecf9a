"""The console's files: what was built is served, and nothing beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from keepclear.server.console import console_files
from keepclear.server.refusals import HANDLERS


def client(folder: Path | None) -> TestClient[Litestar]:
    return TestClient(Litestar(console_files(folder), exception_handlers=HANDLERS, openapi_config=None))  # type: ignore[arg-type]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "console_dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>the page")
    (folder / "assets" / "app-1a2b.js").write_text("go()")
    (folder / "basemap.json").write_text("{}")
    (folder / ".built").write_text("")
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    return folder


def test_the_page_and_its_parts_are_served_with_their_types(built: Path) -> None:
    with client(built) as http:
        page = http.get("/")
        assert (page.text, page.headers["content-type"]) == ("<!doctype html>the page", "text/html; charset=utf-8")
        assert page.headers["cache-control"] == "no-cache"
        script = http.get("/assets/app-1a2b.js")
        assert (script.text, script.headers["content-type"]) == ("go()", "text/javascript; charset=utf-8")
        assert "immutable" in script.headers["cache-control"]
        assert http.get("/basemap.json").headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "path", ["/.built", "/link", "/assets", "/assets/", "/nothing", "/../secret", "/%2e%2e/secret",
             "/assets/..%2f..%2fsecret", "//etc/passwd", "/index.html/x"],
)  # fmt: skip
def test_nothing_beside_them_is_served(built: Path, path: str) -> None:
    with client(built) as http:
        answer = http.get(path)
        assert answer.status_code == 404
        assert "secret" not in answer.text


def test_without_a_built_console_the_page_says_so_in_both_languages() -> None:
    with client(None) as http:
        page = http.get("/")
        assert page.status_code == 200
        assert "not built" in page.text
        assert "دون الشاشة" in page.text
        assert http.get("/assets/app.js").status_code == 404
