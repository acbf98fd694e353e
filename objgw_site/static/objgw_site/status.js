// Loads the page anew every few seconds while somebody can see it, and puts what is new in its place:
// the reader's place, and the focus, stay where they are. Without scripts the browser loads it itself.
"use strict";
(() => {
  const EVERY = 5000;
  const live = document.getElementById("live");
  const said = document.getElementById("said");
  const lost = document.getElementById("lost");
  const button = document.querySelector("#pause button");
  let paused = false;
  let since = null;

  async function renew() {
    if (paused || document.hidden) return;
    try {
      const answer = await fetch(location.href, {
        headers: { Accept: "text/html" },
        cache: "no-store",
        signal: AbortSignal.timeout(10000),
      });
      if (!answer.ok) throw new Error(`${answer.status}`);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.getElementById("live");
      if (!found) throw new Error("it is another page now");
      if (paused) return;
      live.innerHTML = found.innerHTML;
      document.title = page.title;
      // Said aloud by a screen reader, so only when it is something else.
      const now = live.querySelector("[data-said]").dataset.said;
      if (said.textContent !== now) said.textContent = now;
      since = null;
      lost.hidden = true;
      live.classList.remove("lost");
    } catch {
      since ??= new Date().toLocaleTimeString();
      const text = `The gateway has not answered since ${since}. What is below is from before.`;
      if (lost.textContent !== text) lost.textContent = text;
      lost.hidden = false;
      live.classList.add("lost");
    }
  }

  async function forever() {
    await renew();
    setTimeout(forever, EVERY);
  }

  button.parentElement.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
  });
  document.addEventListener("visibilitychange", renew);
  setTimeout(forever, EVERY);
})();
