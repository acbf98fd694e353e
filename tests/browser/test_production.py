"""What a browser makes of the production gateway: /docs, and media."""

import io
import re
import wave
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from demo.harness.gateway import GatewayProcess
from tests.browser.conftest import Traffic
from tests.browser.stored import overwrite, put

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
    expect(page.locator(".opblock")).to_have_count(10)
    expect(page.locator("#operations-objects-putObject")).to_contain_text("Store an object")

    livez = page.locator("#operations-health-livez")
    livez.get_by_role("button").first.click()
    livez.get_by_role("button", name="Try it out").click()
    livez.get_by_role("button", name="Execute").click()
    expect(livez.locator(".live-responses-table")).to_contain_text('"status": "alive"')
    traffic.assert_clean(production.url)


def test_a_video_element_seeks(page: Page, traffic: Traffic, production: GatewayProcess) -> None:
    body = recording()
    path = put(production.url, body, "audio/wav")
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_start_page(
    page: Page, traffic: Traffic, production: GatewayProcess, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{production.url}/")
    expect(page).to_have_title("objgw: All 3 nodes can serve.")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("main").get_by_role("link", name="docs").click()
    expect(page.locator(".opblock")).to_have_count(10)
    traffic.assert_clean(production.url)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/objects?prefix=W", "/object/"])
def test_the_lists_fit_a_phone(
    page: Page, traffic: Traffic, production: GatewayProcess, path: str, scheme: str
) -> None:
    overwrite(production.url, f"/object/{'W' * 32}", bytes(1000))
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{production.url}{path}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    text = page.evaluate("getComputedStyle(document.body).color")
    assert (text == "rgb(255, 255, 255)") == (scheme == "dark")
    traffic.assert_clean(production.url)
