// Small comforts on top of pages that work without them: keys, dialogs, copying, focus, theme.
// No framework and no eval: the content security policy allows neither.
"use strict";

(() => {
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const root = document.documentElement;

  function announce(text) {
    const place = one("#announcer");
    if (place) place.textContent = text;
  }

  // --- Tables that become cards keep their meaning for screen readers ---------------------------

  const ROLES = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TFOOT: "rowgroup", TR: "row", TD: "cell" };

  function keepTableRoles(within) {
    for (const table of all("table.cards", within)) {
      for (const part of [table, ...all("thead, tbody, tfoot, tr, td", table)]) {
        if (!part.hasAttribute("role")) part.setAttribute("role", ROLES[part.tagName]);
      }
      for (const head of all("th:not([role])", table)) {
        head.setAttribute("role", head.scope === "row" ? "rowheader" : "columnheader");
      }
    }
  }

  // --- Dialogs, menus, toasts, copying -----------------------------------------------------------

  function open(key) {
    const dialog = document.getElementById(key);
    if (!(dialog instanceof HTMLDialogElement) || dialog.open) return;
    for (const line of all("[data-needs]", dialog)) line.hidden = !one(line.dataset.needs);
    dialog.showModal();
  }

  function dismissLater(toast) {
    const seconds = Number(toast.dataset.toast);
    if (!seconds || toast.dataset.timed) return;
    toast.dataset.timed = "yes";
    let left = seconds;
    const timer = setInterval(() => {
      if (toast.matches(":hover, :focus-within")) return;
      left -= 1;
      if (left > 0) return;
      clearInterval(timer);
      toast.remove();
    }, 1000);
  }

  async function copy(button) {
    await navigator.clipboard.writeText(button.dataset.copies);
    announce(button.dataset.copied || "Copied");
    const use = one("use", button);
    if (!use) return;
    const before = use.getAttribute("href");
    use.setAttribute("href", before.replace(/#.*/, "#check"));
    setTimeout(() => use.setAttribute("href", before), 1500);
  }

  function followRow(event) {
    const row = event.target.closest("tr[data-href]");
    if (!row || event.target.closest("a, button, input, label, select, textarea, summary")) return;
    if (String(getSelection())) return;
    if (event.ctrlKey || event.metaKey || event.button === 1) window.open(row.dataset.href);
    else location.assign(row.dataset.href);
  }

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-opens], [data-copies], [data-closes-toast], [data-print]");
    if (target?.dataset.opens) open(target.dataset.opens);
    else if (target?.dataset.copies) copy(target);
    else if (target && "closesToast" in target.dataset) target.closest(".toast").remove();
    else if (target && "print" in target.dataset) print();
    for (const menu of all("details.menu[open]")) {
      if (!menu.contains(event.target) || target?.dataset.opens) menu.open = false;
    }
    if (event.target instanceof HTMLDialogElement) event.target.close();
    followRow(event);
  });
  document.addEventListener("auxclick", (event) => event.button === 1 && followRow(event));

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches("[data-picks-all]")) {
      for (const pick of all("td.pick input", box.closest("table"))) {
        pick.checked = box.checked;
        pick.closest("tr").classList.toggle("picked", box.checked);
      }
    } else if (box.matches("td.pick input")) {
      box.closest("tr").classList.toggle("picked", box.checked);
    } else if (box.matches("[data-keys-switch]")) {
      localStorage.setItem("keys", box.checked ? "on" : "off");
    }
  });

  // --- Theme: posts the form, and shows the choice at once -----------------------------------------

  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-theme-switch]");
    if (!form) return;
    event.preventDefault();
    const chosen = event.submitter?.value ?? "";
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form, event.submitter) });
    if (!answer.ok) return location.reload();
    if (chosen) root.dataset.theme = chosen;
    else delete root.dataset.theme;
    for (const button of all("button", form)) {
      button.setAttribute("aria-pressed", String(button.value === chosen));
    }
  });

  // --- htmx: the CSRF header, the bar, and where focus goes after a swap ---------------------------

  document.addEventListener("htmx:configRequest", (event) => {
    const token = one("meta[name=csrf-token]")?.content;
    if (token) event.detail.headers["X-CSRFToken"] = token;
  });

  let waiting = 0;
  document.addEventListener("htmx:beforeRequest", (event) => {
    waiting += 1;
    root.dataset.busy = "yes";
    event.detail.target?.setAttribute("aria-busy", "true");
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    waiting = Math.max(0, waiting - 1);
    if (!waiting) delete root.dataset.busy;
    event.detail.target?.removeAttribute("aria-busy");
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    prepare(document);
    const wanted = event.detail.requestConfig?.elt?.closest("[data-focus-after]")?.dataset.focusAfter;
    const place = one("[data-focus-me]", event.target) || (wanted && one(wanted));
    if (place && place !== document.activeElement) {
      if (!place.matches("a[href], button, input, select, textarea, [tabindex]")) place.tabIndex = -1;
      place.focus({ preventScroll: false });
    }
    const result = one("[data-announce]", event.target);
    if (result) announce(result.dataset.announce);
  });

  for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(failure, (event) => {
      const toast = one("template#failure-toast")?.content.firstElementChild?.cloneNode(true);
      const place = one("#toasts");
      if (!toast || !place) return;
      const request = event.detail.xhr?.getResponseHeader?.("Request-Id");
      if (request) one("[data-request]", toast)?.append(request);
      place.append(toast);
      dismissLater(toast);
    });
  }

  // --- Keys: single letters outside fields; the help dialog turns them off -------------------------

  const keysAreOn = () => root.dataset.keys !== "off" && localStorage.getItem("keys") !== "off";
  const isTyping = (element) => element?.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  let awaitsSection = 0;

  function move(step) {
    const rows = all("[data-row], tbody tr[data-href]").filter((row) => row.offsetParent !== null);
    if (!rows.length) return false;
    const now = rows.findIndex((row) => row.classList.contains("on"));
    const next = rows[Math.min(rows.length - 1, Math.max(0, now + step))] ?? rows[0];
    for (const row of rows) row.classList.toggle("on", row === next);
    (one("a.row-link, .title a, a[href]", next) || next).focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    return true;
  }

  function go(letter) {
    const link = one(`[data-go="${CSS.escape(letter)}"]`);
    if (link) link.click();
    return Boolean(link);
  }

  function act(key) {
    const row = one(".on[data-row], tbody tr.on");
    if (key === "x" && row) {
      const pick = one("input[type=checkbox]", row);
      pick?.click();
      return Boolean(pick);
    }
    const within = (row && one(`[data-key="${CSS.escape(key)}"]`, row)) || one(`[data-key="${CSS.escape(key)}"]`);
    if (!within || within.disabled) return false;
    if (within.matches("input, textarea")) within.select();
    within.focus();
    if (!within.matches("input, textarea")) within.click();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") for (const menu of all("details.menu[open]")) {
      menu.open = false;
      one("summary", menu).focus();
    }
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      event.target.closest("form")?.requestSubmit();
      return;
    }
    if (!keysAreOn() || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target) || one("dialog[open]")) return;
    const isSecond = Date.now() - awaitsSection < 1200;
    awaitsSection = event.key === "g" && !isSecond ? Date.now() : 0;
    let done = false;
    if (isSecond) done = go(event.key);
    else if (event.key === "?") done = open("keys") ?? true;
    else if (event.key === "j") done = move(1);
    else if (event.key === "k") done = move(-1);
    else if (event.key.length === 1 && event.key !== "g") done = act(event.key);
    if (done) event.preventDefault();
  });

  // --- Start -------------------------------------------------------------------------------------

  function prepare(within) {
    keepTableRoles(within);
    all("[data-toast]", within).forEach(dismissLater);
    const box = one("[data-keys-switch]");
    if (box) box.checked = localStorage.getItem("keys") !== "off";
  }

  function start() {
    prepare(document);
    one("[data-focus-me]")?.focus();
    one("form[data-send-me]")?.requestSubmit(); // what another site posted here, from here
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
