"""What the journeys look at on every page: axe's rules, and the width of the screen."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

AXE = (Path(__file__).parent.parent / "vendor/axe-4.14.1.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PASSWORD = "month end in every room"


def look(page, name):
    """Say what is wrong with the page as it stands.

    axe sees it at its whole height: on a shorter screen a sticky bar lies over whatever happens to
    stand behind it, which scrolling uncovers, and axe would call half a button too small a target.
    """
    page.evaluate(AXE)
    screen = page.viewport_size
    whole = max(page.evaluate("document.documentElement.scrollHeight"), screen["height"])
    page.set_viewport_size({"width": screen["width"], "height": whole})
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES
    )
    page.set_viewport_size(screen)
    wide = page.evaluate("document.documentElement.scrollWidth") > screen["width"]
    problems = [
        f"{name}: {violation['id']} at {node['target']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
    return problems + ([f"{name}: wider than the screen"] if wide else [])


def foreign_requests(page, host):
    """Return a list that fills with the addresses of other hosts that the page asks."""
    asked = []
    page.on(
        "request",
        lambda request: (
            asked.append(request.url) if urlsplit(request.url).netloc not in {host, ""} else None
        ),
    )
    return asked


def sign_in(page, address, email):
    """Sign in at the page asked for, and wait until it is there."""
    page.goto(address)
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(address)
