// The back office's looked-up choices have labels for the eye alone: name them for screen readers too.
"use strict";

// Registered after the script that makes them, and so called after it.
window.django?.jQuery?.(() => {
  for (const select of document.querySelectorAll("select.admin-autocomplete")) {
    const label = document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
    const shown = select.nextElementSibling?.querySelector(".select2-selection__rendered");
    if (label && shown) shown.setAttribute("aria-label", label.textContent.trim());
  }
});
