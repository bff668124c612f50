"""The examples of docs/extending that can be run do what their page says."""

import re
from pathlib import Path

from django.conf import settings

PAGES = Path(settings.BASE_DIR) / "docs"


def test_the_tax_rule_of_the_page_runs():
    [example] = re.findall(
        r"^```python\n(.*?)^```", (PAGES / "extending/tax-rule.md").read_text(), re.M | re.S
    )

    exec(compile(example, "tax-rule.md", "exec"), {})


def test_every_page_is_in_the_index_and_every_link_leads_somewhere():
    index = (PAGES / "README.md").read_text()
    pages = {path.relative_to(PAGES).as_posix() for path in PAGES.rglob("*.md")}
    linked = set(re.findall(r"\]\(([\w/.-]+)\)", index))

    assert {page for page in pages if not page.startswith("decisions/")} - linked == {"README.md"}
    for page in PAGES.rglob("*.md"):
        for link in re.findall(r"\]\(([\w/.-]+)(?:#[\w-]+)?\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
