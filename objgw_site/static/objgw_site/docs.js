// What Swagger UI leaves out for those who cannot see the page or use a mouse.
"use strict";
(() => {
  const NAMES = { servers: "Server" };

  function mend() {
    for (const select of document.querySelectorAll("#swagger-ui select:not([aria-label])")) {
      select.setAttribute("aria-label", NAMES[select.id] ?? "Example or media type");
    }
    // A link inside a button; the button does the same, and writes the address, too.
    for (const link of document.querySelectorAll(".opblock-summary-control a[href]")) {
      link.removeAttribute("href");
    }
  }
  new MutationObserver(mend).observe(document.getElementById("swagger-ui"), {
    childList: true,
    subtree: true,
  });
  mend();
})();
