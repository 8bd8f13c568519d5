"""The travel desk signs in by its own directory, beside the password: agreed on, and tried."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlsplit

from tests.demo.firms import ARNESEN, MIRAMAR, PEOPLE
from tests.demo.installation import Browser, Refusal
from tests.demo.month_end import Office
from tests.outside.directory.server import DemoDirectory

KEY, CLIENT, SECRET = "miramar", "billing-portal", "Cormorant-Slipway-71"
PASSWORD = "Tidal-Mooring-18"
START = f"/accounts/sso/{MIRAMAR.slug}/"


def agree(address: str, idp: DemoDirectory) -> None:
    """Let the directory know its people and the portal, and two owners agree on it."""
    people = [person for person in PEOPLE if person.firm == MIRAMAR]
    idp.open(
        key=KEY,
        name=f"{MIRAMAR.name}: sign in",
        client_id=CLIENT,
        client_secret=SECRET,
        redirect_uris=[f"{address}{START}callback/"],
        people=[
            {
                "user": person.email.partition("@")[0],
                "password": PASSWORD,
                "sub": f"miramar-{number}",
                "email": person.email,
                "name": person.name,
            }
            for number, person in enumerate(people, start=1)
        ],
    )
    owners = [person for person in people if person.role == "owner"]
    proposing, approving = (Office(address, MIRAMAR, [person]) for person in owners)
    room = proposing.path("admin/directories/directory/")
    proposing.desk("owner").post(
        f"{room}add/",
        issuer=idp.issuer(KEY),
        client_id=CLIENT,
        secret=SECRET,
        ends="miramar.test",
        strong_acr="",
    )
    desk = approving.desk("owner")
    row = re.search(r'name="_selected_action" value="(\d+)"', desk.get(room).text)
    if row is None:
        raise Refusal("the directory was not proposed")
    desk.post(room, action="approve", _selected_action=row[1])


def check(address: str, idp: DemoDirectory) -> dict[str, bool]:
    """Sign somebody in by the directory; return what holds."""
    browser = Browser(address)
    onward = unescape(browser.post(START).text)
    found = re.search(r'href="(http[^"]+/authorize\?[^"]+)"', onward)
    if found is None:
        raise Refusal("the portal does not lead to the directory")
    back = urlsplit(idp.sign_in(found[1], user="noor", password=PASSWORD))
    inbox = browser.get(f"{back.path}?{back.query}")
    other = browser.get(f"/t/{ARNESEN.slug}/inbox/")
    return {
        "a directory signs its people in": "Noor Aziz" in inbox.text and inbox.status == 200,
        "and into their own firm alone": other.status == 404,
    }
