"""Objects opened directly: what is to be seen and heard is, and nothing in them can act."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from playwright.sync_api import Frame, Page, Request, Route

from demo.harness.gateway import GatewayProcess
from tests.browser.conftest import Traffic
from tests.browser.stored import PIXEL, VIDEO_SECONDS, content, pdf, put, video
from tests.support.client import random_id

STATE = """
() => {
    const video = document.querySelector("video");
    return {
        paused: video.paused, at: video.currentTime, duration: video.duration,
        ready: video.readyState, width: video.videoWidth, error: video.error?.message,
    };
}
"""


def until(page: Page, found: Callable[[], Any], what: str, *, tries: int = 300) -> Any:
    """Ask again until there is an answer: in a page that runs no script nothing can be awaited."""
    for _ in range(tries):
        if answer := found():
            return answer
        page.wait_for_timeout(50)
    pytest.fail(f"never came: {what}")


def test_a_video_plays_and_seeks(page: Page, traffic: Traffic, production: GatewayProcess) -> None:
    body = video()
    path = put(production.url, body, "video/webm")
    page.goto(f"{production.url}{path}")

    def state() -> Any:
        return page.evaluate(STATE)

    page.evaluate("() => { document.querySelector('video').play(); }")
    playing = until(page, lambda: (now := state())["at"] > 0.2 and now, "a picture")
    assert (playing["duration"], playing["width"], playing["error"]) == (VIDEO_SECONDS, 96, None)
    assert not playing["paused"]

    page.evaluate(
        f"() => {{ document.querySelector('video').currentTime = {VIDEO_SECONDS - 10}; }}"
    )
    until(
        page,
        lambda: (now := state())["at"] > VIDEO_SECONDS - 10 and now["ready"] >= 2,
        "the end of the video",
    )
    ranges = [
        response.headers["content-range"]
        for response in traffic.responses
        if response.status == 206
    ]
    starts = [int(re.findall(r"\d+", text)[0]) for text in ranges]
    assert max(starts) > len(body) / 2, "the end was reached without asking for it"
    # A player breaks off what it no longer needs.
    traffic.troubles = [text for text in traffic.troubles if "ERR_ABORTED" not in text]
    traffic.assert_clean(production.url)


@pytest.mark.parametrize(
    ("content_type", "body", "width"),
    [
        ("image/png", PIXEL, 1),
        (
            "image/svg+xml",
            b"""<svg xmlns="http://www.w3.org/2000/svg" width="70" height="7">
            <style>.a{fill:red}</style><rect class="a" width="9" height="9" style="stroke:blue"/>
            </svg>""",
            70,
        ),
    ],
)
def test_an_image_shows(
    page: Page,
    traffic: Traffic,
    production: GatewayProcess,
    content_type: str,
    body: bytes,
    width: int,
) -> None:
    page.goto(f"{production.url}{put(production.url, body, content_type)}")
    shown = page.evaluate(
        "() => document.images[0]?.naturalWidth ?? document.documentElement.width.baseVal.value"
    )
    assert shown == width
    traffic.troubles = [text for text in traffic.troubles if "favicon" not in text]
    if content_type != "image/png":
        fill = page.evaluate("() => getComputedStyle(document.querySelector('rect')).fill")
        assert fill == "rgb(255, 0, 0)"


def viewer(page: Page) -> Frame | None:
    return next((frame for frame in page.frames if frame.url.startswith("chrome-extension:")), None)


def await_pdf(page: Page) -> None:
    """Until Chromium's viewer has laid out the one page."""
    pages = "() => document.querySelector('pdf-viewer')?.shadowRoot"
    pages += "?.querySelector('viewer-toolbar')?.docLength === 1"

    def shown() -> bool:
        frame = viewer(page)
        return frame is not None and bool(frame.evaluate(pages))

    until(page, shown, "the page of the PDF")


def test_a_pdf_shows(page: Page, production: GatewayProcess) -> None:
    page.goto(f"{production.url}{put(production.url, pdf(), 'application/pdf')}")
    await_pdf(page)


PDF_ACTIONS = {
    "script": r"/S /JavaScript /JS (this.submitForm\({cURL: 'URL', cSubmitAs: 'HTML'}\);"
    r" this.getURL\('URL'\); app.launchURL\('URL'\);)",
    "form": "/S /SubmitForm /F << /FS /URL /F (URL) >> /Flags 4",
    "link": "/S /URI /URI (URL)",
}


@pytest.mark.parametrize("kind", PDF_ACTIONS)
def test_a_hostile_pdf(page: Page, production: GatewayProcess, kind: str) -> None:
    victim = put(production.url, b"to be kept", "text/plain")
    action = PDF_ACTIONS[kind].replace("URL'", f"{production.url}{victim}'")
    action = action.replace("(URL)", f"({production.url}{victim})")
    attack = put(production.url, pdf(f"<< {action} >>".encode()), "application/pdf")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    page.goto(f"{production.url}{attack}")
    await_pdf(page)
    assert {line for line in sent if line.startswith(f"GET {production.url}")} <= {
        f"GET {production.url}{attack}",
        f"GET {production.url}/favicon.ico",
    }
    assert not [line for line in sent if not line.startswith("GET ")]
    assert page.url == f"{production.url}{attack}"
    assert content(production.url, victim) == b"to be kept"


@dataclass(frozen=True)
class Attack:
    """A document that acts on the victim.

    :ivar document: VICTIM, SCRIPT and STYLESHEET stand for URLs.
    :ivar blocked: what Chromium says when it does not let it.
    :ivar click: what a person has to click for it.
    """

    name: str
    content_type: str
    document: str
    blocked: str
    click: str | None = None


DELETE = "fetch('VICTIM', {method: 'DELETE'})"
XHTML = "http://www.w3.org/1999/xhtml"
SVG = "http://www.w3.org/2000/svg"
NO_SCRIPT = r"Blocked script execution|script.* violates|JavaScript URL violates"
ATTACKS = [
    Attack("script", "text/html", f"<script>{DELETE}</script>", NO_SCRIPT),
    Attack("stored script", "text/html", "<script src=SCRIPT></script>", NO_SCRIPT),
    Attack("handler", "text/html", f'<img src="data:,x" onerror="{DELETE}">', NO_SCRIPT),
    Attack("link to a script", "text/html", f'<a href="javascript:{DELETE}">x</a>', NO_SCRIPT, "a"),
    Attack(
        "script in XHTML",
        "application/xhtml+xml",
        f'<html xmlns="{XHTML}"><script>{DELETE}</script></html>',
        NO_SCRIPT,
    ),
    Attack(
        "script in SVG",
        "image/svg+xml",
        f'<svg xmlns="{SVG}"><script>{DELETE}</script></svg>',
        NO_SCRIPT,
    ),
    Attack("handler in SVG", "image/svg+xml", f'<svg xmlns="{SVG}" onload="{DELETE}"/>', NO_SCRIPT),
    Attack(
        "script in XML",
        "application/xml",
        f'<a><script xmlns="{XHTML}">{DELETE}</script></a>',
        NO_SCRIPT,
    ),
    Attack(
        "XSLT",
        "application/xml",
        '<?xml-stylesheet type="text/xsl" href="STYLESHEET"?><a/>',
        r"violates|Blocked script execution",
    ),
    Attack(
        "form",
        "text/html",
        "<form action=VICTIM method=post><input name=a><button>x</button></form>",
        "Blocked form submission|form-action",
        "button",
    ),
    Attack("ping", "text/html", "<a href='#x' ping=VICTIM>x</a>", "violates", "a"),
    Attack(
        "refresh",
        "text/html",
        "<meta http-equiv=refresh content='0;url=VICTIM'>",
        "meta refresh|sandboxed",
    ),
    Attack("frame", "text/html", "<iframe src=VICTIM></iframe>", "violates"),
    Attack("embedded object", "text/html", "<object data=VICTIM></object>", "violates"),
]
_XSL = f"""<x:stylesheet version="1.0" xmlns:x="http://www.w3.org/1999/XSL/Transform">
<x:template match="/"><html xmlns="{XHTML}"><script>{DELETE}</script></html></x:template>
</x:stylesheet>"""


@dataclass
class Stage:
    """An attack, stored, and its victim."""

    gateway: GatewayProcess
    attack: Attack

    def __post_init__(self) -> None:
        self.victim = self.store("text/plain", "to be kept")
        self.path = self.store(self.attack.content_type, self._document())

    def store(self, content_type: str, text: str) -> str:
        return put(self.gateway.url, text.encode(), content_type)

    def _document(self) -> str:
        document = self.attack.document
        if "SCRIPT" in document:
            script = DELETE.replace("VICTIM", self.victim)
            document = document.replace("SCRIPT", self.store("text/javascript", script))
        if "STYLESHEET" in document:
            sheet = _XSL.replace("VICTIM", self.victim)
            document = document.replace("STYLESHEET", self.store("text/xsl", sheet))
        return document.replace("VICTIM", self.victim)

    def play(self, page: Page) -> list[str]:
        """Open it; gives a list, to be filled, of what is asked of the victim."""
        asked: list[str] = []

        def note(request: Request) -> None:
            if request.url.endswith(self.victim):
                asked.append(request.method)

        def forget(request: Request) -> None:
            if request.failure == "csp" and request.url.endswith(self.victim):
                asked.remove(request.method)  # it was never sent

        page.on("request", note)
        page.on("requestfailed", forget)
        page.goto(f"{self.gateway.url}{self.path}")
        if self.attack.click is not None:
            page.click(self.attack.click)
        return asked


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_it_cannot_act(page: Page, production: GatewayProcess, attack: Attack) -> None:
    stage = Stage(production, attack)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    asked = stage.play(page)
    until(page, lambda: any(re.search(attack.blocked, text) for text in said), attack.blocked)
    until(page, lambda: not asked, "the end of what was begun")
    assert page.url.partition("#")[0] == f"{production.url}{stage.path}"
    assert content(production.url, stage.victim) == b"to be kept"


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_it_would_act_without_the_policy(
    page: Page, production: GatewayProcess, attack: Attack
) -> None:
    """Else the test above would show nothing."""
    stage = Stage(production, attack)

    def without_policy(route: Route) -> None:
        response = route.fetch()
        headers = {
            name: value
            for name, value in response.headers.items()
            if name != "content-security-policy"
        }
        route.fulfill(response=response, headers=headers)

    page.route(f"{production.url}{stage.path}", without_policy)
    asked = stage.play(page)
    until(page, lambda: asked, f"the request of the {attack.name}")
    # A page that is closed while it goes elsewhere may never say that it is.
    page.wait_for_load_state()
    page.unroute_all(behavior="ignoreErrors")


def test_its_type_is_not_guessed(page: Page, production: GatewayProcess) -> None:
    """nosniff: without it, what looks like HTML is shown as HTML."""
    path = put(production.url, b"<html><title>sniffed</title></html>", "text/plain")
    page.goto(f"{production.url}{path}")
    assert page.title() == ""
    assert "<title>" in page.inner_text("body")
    assert requests.get(f"{production.url}/object/{random_id()}", timeout=30).status_code == 404
