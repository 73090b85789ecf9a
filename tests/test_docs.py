"""The pages hold together: every link leads somewhere, and every page can be reached from the index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("changelog.d/*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def local_links(page: Path) -> list[str]:
    """The links of a page that lead to a file here, without their anchors; what stands in code is not a link."""
    text = re.sub(r"```.*?```|`[^`\n]*`(?!\])", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link.partition("#")[0] for link in LINK.findall(text) if not re.match(r"[a-z]+:", link)]
    return [link for link in links if link]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in local_links(page) if not (page.parent / link).exists()]
    assert not missing


def test_every_page_can_be_reached_from_the_index() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "docs" / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        linked = ((page.parent / link).resolve() for link in local_links(page))
        waiting += [target for target in linked if target.suffix == ".md" and target.exists()]
    assert not [str(page.relative_to(ROOT)) for page in ROOT.glob("docs/**/*.md") if page not in reached]


def test_a_dead_link_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[a](there.md) [b](https://example.org/x) [c](#here) `[d](code.md)` [`e`](gone/e.py#L3)")
    assert local_links(page) == ["there.md", "gone/e.py"]
