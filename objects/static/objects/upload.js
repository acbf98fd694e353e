// Uploads without leaving the page, so that a refusal leaves the form as it is, its file included,
// which no server can put back into a page. Without this script the form works, too.
"use strict";

const form = document.getElementById("upload");
const button = form.querySelector("button");
const fields = ["id", "file"];

function show(field, text) {
  const input = form.elements.namedItem(field ?? "");
  const place = input ? `${input.id}_problem` : "upload-problem";
  document.getElementById(place).textContent = text;
  if (input) {
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }
}

function clear() {
  for (const place of form.querySelectorAll(".error")) place.textContent = "";
  for (const field of fields) form.elements.namedItem(field).removeAttribute("aria-invalid");
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  clear();
  button.disabled = true;
  button.textContent = "Uploading…";
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      headers: { Accept: "application/json" },
    });
    const document_ = await answer.json();
    if (answer.ok) {
      location.href = `${document_.page}?stored`;
      return;
    }
    show(document_.field, document_.detail);
  } catch (error) {
    show(null, `The gateway did not answer (${error.message}). Nothing that you typed is lost.`);
  }
  button.disabled = false;
  button.textContent = "Upload";
});

// Back from the object's page, browsers may show this one as it was left.
addEventListener("pageshow", () => {
  button.disabled = false;
  button.textContent = "Upload";
});
