// The desk works without this. With it: news without loading again, previews while typing, passkeys, a word before
// the session ends.
const byId = (id) => document.getElementById(id);
const clock = () => new Date().toLocaleTimeString(document.documentElement.lang, { hour12: false });

// --- replace a part, keep the focus, what is typed and what is open -----------------------------------
const changed = (one) => one.options ? [...one.options].some((each) => each.selected !== each.defaultSelected) : one.value !== one.defaultValue;
const folded = (part) => [...part.querySelectorAll("details")].map((one) => [one.querySelector("summary").textContent, one]);
const named = (one) => one.id || one.getAttribute("aria-label") || one.getAttribute("href") || one.textContent;
function replace(part, html) {
  const active = document.activeElement;
  const within = part.contains(active);
  const name = within && named(active);
  const { selectionStart: from, selectionEnd: to } = active;
  const open = new Map(folded(part).map(([said, one]) => [said, one.open]));
  const typed = [...part.querySelectorAll("input[id], select[id], textarea[id]")].filter(changed).map((one) => [one.id, one.value]);
  const fresh = new DOMParser().parseFromString(html, "text/html").body;
  part.replaceChildren(...fresh.childNodes);
  for (const [said, one] of folded(part)) if (open.has(said)) one.open = open.get(said);
  for (const [id, value] of typed) if (byId(id)) byId(id).value = value;
  if (!within) return;
  const same = [...part.querySelectorAll("a, button, input, select, textarea, summary")].find((one) => name && named(one) === name);
  (same || byId("main")).focus({ preventScroll: true });
  if (same && typeof from === "number") same.setSelectionRange(from, to);
}

// --- news --------------------------------------------------------------------------------------------
// One stream for all pages of a browser says that something has changed; who hears nothing of it asks each second.
const PATIENCE = 4000, SILENCE = 20000;
const strip = document.querySelector(".strip");
const parts = [...document.querySelectorAll("[data-live]")].filter((one, _at, all) => all.length === 1 || one !== strip);
const others = window.BroadcastChannel && new BroadcastChannel("desk");
let last = clock(), heard = 0, news = "", wanted = true, busy = false, over = false, timer = 0;
function lost(said) {
  const line = byId("lost");
  if (said === null) { line.hidden = true; return; }
  const words = said.replace("{time}", last);
  if (line.textContent !== words) line.textContent = words;
  line.hidden = false;
}
const states = () => [...document.querySelectorAll("[data-say]")].map((one) => one.dataset.say || one.textContent.trim());
function show(part, html) {
  if (html === part.seen) return;
  const before = part.seen === undefined ? null : states();
  replace(part, html);
  part.seen = html;
  const fresh = before ? states().filter((one) => !before.includes(one)) : [];
  if (fresh.length) byId("said").textContent = [...new Set(fresh)].join(". ");
}
async function look(part) {
  const line = byId("lost").dataset;
  try {
    const headers = { "x-desk-script": strip.dataset.head, "if-none-match": part.tag || "" };
    const answer = await fetch(part.dataset.live, { headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    if (answer.status === 401) { over = true; lost(line.out); return false; }
    if (answer.status !== 304 && !answer.ok) throw new Error(answer.status);
    last = clock();
    lost(null);
    if (answer.status === 304) return true;
    const all = new DOMParser().parseFromString(await answer.text(), "text/html");
    const above = all.querySelector("template");  // it stands in the head
    if (above) { show(strip, above.innerHTML); strip.dataset.head = above.dataset.head; }
    if (part !== strip) show(part, all.body.innerHTML);
    part.tag = answer.headers.get("etag") || "";
    return true;
  } catch {
    part.tag = "";
    lost(line.lost);
    return false;
  }
}
async function again() {
  clearTimeout(timer);
  if (busy || over || !parts.length) return;
  let calm = true;
  if (!document.hidden && (wanted || Date.now() - heard > SILENCE)) {
    busy = true;
    wanted = false;
    for (const part of parts) calm = await look(part) && calm;
    busy = false;
    wanted ||= !calm;
  }
  timer = setTimeout(again, calm && wanted ? 0 : 1000);
}
function hear(said) {
  heard = said ? Date.now() : 0;
  if (said) last = clock();
  if (said !== news) wanted = true;
  news = said;
  again();
}
function listen() {
  const stream = new EventSource(strip.dataset.stream);
  const tell = (said) => { others?.postMessage(said); hear(said); };
  stream.onmessage = ({ data }) => tell(data);
  stream.onerror = () => { tell(""); if (stream.readyState === 2 && !over) setTimeout(listen, SILENCE); };
}
if (strip) {
  if (others) others.onmessage = ({ data }) => hear(data);
  if (others && navigator.locks) navigator.locks.request("desk", () => new Promise(listen));
  else listen();
  addEventListener("offline", () => hear(""));
  document.addEventListener("visibilitychange", again);
  timer = setTimeout(again, 1000);
}

// --- previews while typing ---------------------------------------------------------------------------
for (const form of document.querySelectorAll("form[data-preview]")) {
  let timer = 0, under = null, saying = 0;
  const show = async () => {
    under?.abort();
    under = new AbortController();
    try {
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(form.dataset.preview, { method: "POST", body, signal: under.signal });
      if (answer.status === 401) return lost(byId("lost").dataset.out);
      if (!answer.ok) throw new Error(answer.status);
      replace(byId("preview"), await answer.text());
      for (const one of form.querySelectorAll(".wrong.now")) one.remove();
      for (const one of byId("preview").querySelectorAll("#faults [data-at]")) {
        const said = document.createElement("p");
        said.className = "wrong now";
        said.textContent = one.textContent;
        byId(`${one.dataset.at}-help`)?.after(said);
      }
      last = clock();
      lost(null);
      clearTimeout(saying);
      saying = setTimeout(() => {
        const said = byId("preview").querySelector("[data-announce], .wrong");
        if (said && byId("announce").textContent !== said.textContent) byId("announce").textContent = said.textContent;
      }, 1000);
    } catch (error) {
      if (error.name !== "AbortError") lost(byId("lost").dataset.lost);
    }
  };
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(show, 150); });
  for (const words of form.querySelectorAll("[data-into]")) {
    const take = document.createElement("button");
    take.type = "button";
    take.className = "quiet";
    take.textContent = words.textContent;
    words.replaceChildren(take);
    take.addEventListener("click", () => {
      const into = byId(words.dataset.into);
      into.value = (into.value.trim() ? into.value.trimEnd() + "\n" : "") + take.textContent;
      into.dispatchEvent(new Event("input", { bubbles: true }));
      words.closest("details").open = false;  // the next field is not behind all the other words
      into.focus();
    });
  }
}

// --- names one after the other: what is suggested follows what is there already -----------------------
for (const into of document.querySelectorAll("input[list]")) {
  const names = [...into.list.options].map((one) => [one.value, one.label]);
  const own = document.createElement("datalist");
  own.id = `${into.id}-list`;
  into.after(own);
  const suggest = () => {
    const before = into.value.slice(0, into.value.lastIndexOf(",") + 1);
    if (own.dataset.before === before) return;
    own.dataset.before = before;
    own.replaceChildren(...names.map(([name, label]) => new Option(label, before ? `${before} ${name}` : name)));
  };
  suggest();
  into.setAttribute("list", own.id);
  into.addEventListener("input", suggest);
}

// --- passkeys ----------------------------------------------------------------------------------------
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
function given(options) {
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  for (const list of [options.excludeCredentials, options.allowCredentials]) for (const one of list || []) one.id = bytes(one.id);
  return options;
}
function told(made) {
  const { response } = made;
  const said = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) if (response[name]) said[name] = text(response[name]);
  return JSON.stringify({ id: made.id, rawId: text(made.rawId), type: made.type, response: said, clientExtensionResults: {} });
}
for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  const box = byId("with-passkey");
  if (box) box.hidden = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    try {
      const options = await (await fetch(form.dataset.options, { method: "POST", body: new URLSearchParams() })).json();
      const made = await navigator.credentials[form.dataset.passkey]({ publicKey: given(options) });
      form.elements.answer.value = told(made);
      form.submit();
    } catch {
      form.querySelector("[data-said]").hidden = false;
    }
  });
}

// --- words to copy -----------------------------------------------------------------------------------
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    byId(button.dataset.copy).select();
    await navigator.clipboard.writeText(byId(button.dataset.copy).value);
    button.nextElementSibling.textContent = button.dataset.copied;
  });
}

// --- forms -------------------------------------------------------------------------------------------
document.addEventListener("submit", (event) => {
  if (event.target.dataset.passkey || event.defaultPrevented) return;
  setTimeout(() => { for (const one of event.target.querySelectorAll("button")) one.disabled = true; }, 0);
});
addEventListener("pageshow", () => { for (const one of document.querySelectorAll("button:disabled")) one.disabled = false; });
document.querySelector("[data-focus]")?.focus();

// --- before the session ends -------------------------------------------------------------------------
const idle = byId("idle");
if (idle) {
  const WARN = 300, button = idle.querySelector("button");
  const later = (left) => setTimeout(warn, Math.max(1, left - WARN) * 1000);
  const warn = async () => {
    const answer = await fetch(idle.dataset.left, { headers: { "x-desk-script": "" } }).catch(() => null);
    if (answer?.status === 401) return lost(byId("lost").dataset.out);
    const left = answer?.ok ? (await answer.json()).left : 0;
    if (left > WARN + 5) return later(left); // another page was used, or something was typed
    idle.hidden = false;
    if (document.activeElement === document.body) button.focus();
  };
  later(Number(document.body.dataset.left));
  idle.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await fetch(event.target.action, { method: "POST", body: new URLSearchParams({ fetch: "1" }) });
    if (!answer.ok) return lost(byId("lost").dataset.out);
    idle.hidden = true;
    byId("main").focus({ preventScroll: true });
    later((await answer.json()).left);
  });
}
