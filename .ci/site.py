"""What MkDocs does not do by itself: pages from beside docs/, files that pages link to, the Python interface, and
pictures of fusions."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import bench

ROOT = Path(__file__).parents[1]
DOCS = "docs/"
# Pages that lie elsewhere in the repository, and where they are on the site.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "changes/README.md": "changes.md",
}
FILES, API, CARDS = "files/", "api.md", "fusions.md"
# It is alone in its part of the navigation: its tables and commands take that room.
HOME = "---\nhide: [navigation]\n---\n"
# Their tables take the room of the list of headings, of which there are three.
WIDE = ("studies/", "which-join")
LINK = re.compile(r"(?<=\]\()([^)\s#]+)(?=[#)])")
TEXT_LINK = re.compile(r"(?<!!)\[([^\]`]+)\]\(([^)\s#]+)\)")
PAGE_LINK = re.compile(r'href="(?!https?:)([^"#]+\.(?:md|ipynb))(#[^"]*)?"')
CARD = re.compile(r'<h3 id="(\w+)">.*?</h3>', re.DOTALL)
ROLE = re.compile(r":(?:class|func|meth|attr|mod|exc|data):<code>~?(?:[\w.]+\.)?(\w+)</code>")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages and files that lie outside docs/, and the page of the Python interface."""
    from mkdocs.structure.files import File

    for source, place in PAGES.items():
        content = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, place, content=HOME + content if place == "index.md" else content))
    files.append(File.generated(config, API, content=_api()))
    documents = [*PAGES, *(DOCS + file.src_uri for file in files.documentation_pages() if _is_in_docs(file.src_uri))]
    linked = {path for source in documents for path in _linked(source)}
    for path in sorted(linked):
        if _place(path) == FILES + path:
            files.append(File.generated(config, FILES + path, abs_src_path=str(ROOT / path)))
    config.nav = _expanded(config.nav, [file.src_uri for file in files.documentation_pages()])
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Links to files of the repository lead to where these are on the site; folders and hidden files are not there."""
    place = page.file.src_uri
    source = next((path for path, known in PAGES.items() if known == place), DOCS + place)
    if place.startswith(WIDE):
        page.meta["hide"] = ["toc"]

    def as_code(found: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), found[2]))
        is_outside = "://" not in found[2] and ((ROOT / path).is_dir() or path.startswith("."))
        return f"`{found[1]}`" if is_outside else found[0]

    def moved(found: re.Match[str]) -> str:
        path = _path(source, found[1])
        return posixpath.relpath(_place(path), posixpath.dirname(place) or ".") if path else found[1]

    return LINK.sub(moved, TEXT_LINK.sub(as_code, markdown))


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Names that docstrings refer to, as they are read; links of notebooks lead to the pages that they mean; the card
    of each fusion has its picture.

    Raises:
        ValueError: a notebook links to a page that there is not, or a fusion has no card.
    """
    if page.file.src_uri.endswith(".ipynb"):
        html = PAGE_LINK.sub(partial(_to_page, page=page, files=files), html)
    if page.file.src_uri == CARDS:
        html = _with_pictures(html)
    return ROLE.sub(r"<code>\1</code>", html)


def _with_pictures(html: str) -> str:
    import torch

    from bench import zoo
    from bench.catalogue.diagram import picture
    from bench.fusion import FUSIONS

    def drawn(heading: re.Match[str]) -> str:
        svg, caption = picture(FUSIONS.settle(heading[1]))
        return f'{heading[0]}<figure class="join" data-search-exclude>{svg}<figcaption>{caption}</figcaption></figure>'

    zoo.load()
    # The tensors of a picture are small: on busy cores more threads wait for each other.
    torch.set_num_threads(1)
    html, count = CARD.subn(drawn, html)
    if count != len(FUSIONS.classes):
        raise ValueError(f"{CARDS}: {count} cards of {len(FUSIONS.classes)} fusions")
    return html


def _to_page(found: re.Match[str], page: Any, files: Any) -> str:
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), found[1]))
    file = files.get_file_from_path(target)
    if file is None:
        raise ValueError(f"{page.file.src_uri}: no page {found[1]}")
    return f'href="{file.url_relative_to(page.file)}{found[2] or ""}"'


def _is_in_docs(place: str) -> bool:
    return place not in PAGES.values() and place != API


@cache
def _linked(source: str) -> frozenset[str]:
    """Files of the repository that a document links to."""
    text = (ROOT / source).read_text(encoding="utf-8")
    return frozenset(filter(None, (_path(source, found[1]) for found in LINK.finditer(text))))


def _path(source: str, target: str) -> str:
    """The file of the repository that a link means, from its root; empty for one that leads elsewhere."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    return path if "://" not in target and (ROOT / path).is_file() else ""


def _place(path: str) -> str:
    """Where a file of the repository is on the site."""
    return path.removeprefix(DOCS) if path.startswith(DOCS) else PAGES.get(path, FILES + path)


def _expanded(nav: list[Any], places: list[str]) -> list[Any]:
    """The navigation with the pages that there are; a pattern takes those that are named nowhere and not yet taken."""
    left = set(places) - set(_named(nav))

    def expanded(entries: list[Any]) -> list[Any]:
        found: list[Any] = []
        for entry in entries:
            if isinstance(entry, dict):
                ((title, inside),) = entry.items()
                pages = expanded(inside) if isinstance(inside, list) else inside
                found += [{title: pages}] if pages else []
            elif "*" in entry:
                matching = sorted(place for place in left if fnmatch.fnmatchcase(place, entry))
                left.difference_update(matching)
                found += matching
            elif entry in places:
                found.append(entry)
        return found

    return expanded(nav)


def _named(nav: list[Any]) -> Iterator[str]:
    for entry in nav:
        inside = next(iter(entry.values())) if isinstance(entry, dict) else entry
        yield from _named(inside) if isinstance(inside, list) else [inside]


def _api() -> str:
    """The page of what ``bench`` offers."""
    parts = ["# Python interface\n\nWhat `bench` offers; [Use it from Python](python.md) shows it at work."]
    for module in sorted(set(bench._HOME.values())):
        parts.append(f"## {module}")
        parts += [f"::: {module}.{name}" for name in sorted(bench._HOME) if bench._HOME[name] == module]
    return "\n\n".join(parts) + "\n"
