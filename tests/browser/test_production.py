"""What a browser makes of the production gateway: /docs, media, and foreign pages."""

import io
import re
import wave

import pytest
import requests
from playwright.sync_api import Page, expect

from demo.gateway import GatewayProcess
from tests.browser.conftest import Traffic
from tests.functional.client import random_id

RATE = 44_100
SECONDS = 240  # 42 MB: far more than a player fetches ahead

SEEK = """
async ([url, seconds]) => {
    const video = document.createElement("video");
    video.preload = "auto";
    const event = name => new Promise((resolve, reject) => {
        video.addEventListener(name, resolve, {once: true});
        video.addEventListener("error", () => reject(video.error.message), {once: true});
    });
    document.body.replaceChildren(video);
    const loaded = event("loadeddata");
    video.src = url;
    await loaded;
    const duration = video.duration;
    const seeked = event("seeked");
    video.currentTime = seconds;
    await seeked;
    return [duration, video.currentTime, video.readyState];
}
"""


def put(gateway: GatewayProcess, body: bytes, content_type: str) -> str:
    """The path of a new object."""
    path = f"/object/{random_id()}"
    answer = requests.put(
        f"{gateway.url}{path}", data=body, headers={"Content-Type": content_type}, timeout=60
    )
    assert answer.status_code == 201
    return path


def recording() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(bytes(4 * RATE * SECONDS))
    return file.getvalue()


def test_docs_shows_every_operation(
    page: Page, traffic: Traffic, production: GatewayProcess
) -> None:
    page.goto(f"{production.url}/docs")
    expect(page.locator(".opblock")).to_have_count(9)
    expect(page.locator("#operations-objects-putObject")).to_contain_text("Store an object")

    livez = page.locator("#operations-health-livez")
    livez.get_by_role("button").first.click()
    livez.get_by_role("button", name="Try it out").click()
    livez.get_by_role("button", name="Execute").click()
    expect(livez.locator(".live-responses-table")).to_contain_text('"status": "alive"')
    traffic.assert_clean(production.url)


def test_a_video_element_seeks(page: Page, traffic: Traffic, production: GatewayProcess) -> None:
    body = recording()
    path = put(production, body, "audio/wav")
    page.goto(f"{production.url}/docs")
    duration, position, ready = page.evaluate(SEEK, [path, SECONDS - 10])
    assert (duration, position) == (SECONDS, SECONDS - 10)
    assert ready >= 2  # HAVE_CURRENT_DATA

    media = [response for response in traffic.responses if response.url.endswith(path)]
    assert {response.status for response in media} == {206}
    starts = [
        int(match[1])
        for response in media
        if (match := re.fullmatch(r"bytes (\d+)-\d+/\d+", response.headers["content-range"]))
    ]
    assert len(starts) == len(media)
    assert max(starts) > len(body) / 2, "the end was reached without asking for it"


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "application/xhtml+xml"])
def test_an_uploaded_page_cannot_act(
    page: Page, production: GatewayProcess, content_type: str
) -> None:
    victim = put(production, b"to be kept", "text/plain")
    script = f"fetch('{victim}', {{method: 'DELETE'}}).then(() => document.title = 'done')"
    namespace = {
        "image/svg+xml": ("svg", "http://www.w3.org/2000/svg"),
        "application/xhtml+xml": ("html", "http://www.w3.org/1999/xhtml"),
        "text/html": ("html", "http://www.w3.org/1999/xhtml"),
    }
    root, uri = namespace[content_type]
    attack = put(
        production,
        f'<{root} xmlns="{uri}"><script>{script}</script></{root}>'.encode(),
        content_type,
    )
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(f"{production.url}{attack}")
    assert any("sandboxed" in text for text in refused), refused
    assert requests.get(f"{production.url}{victim}", timeout=30).content == b"to be kept"


def test_bytes_are_not_taken_for_a_page(page: Page, production: GatewayProcess) -> None:
    """nosniff: without it, what looks like HTML is shown as HTML."""
    path = put(production, b"<html><title>sniffed</title></html>", "text/plain")
    page.goto(f"{production.url}{path}")
    assert page.title() == ""
    assert "<title>" in page.inner_text("body")
