/* Large files go in pieces (tus 1.0), so that a break costs one piece and not the file. Without this script the
   form sends its files as any form does. */
(() => {
  const form = document.querySelector("form[data-pieces]");
  if (!form || !window.fetch || !File.prototype.slice) return;

  const PIECE = 8 * 1024 * 1024;
  const TRIES = 40; /* some ten minutes without a connection */
  const KEY = "upload:";
  const input = form.querySelector('input[type="file"]');
  const partial = form.querySelector('input[name="partial_files"]');
  const button = form.querySelector('button[type="submit"]');
  const box = form.querySelector("[data-progress]");
  const text = box.querySelector("[data-text]");
  const bar = box.querySelector("progress");
  const unfinished = form.querySelector("[data-unfinished]");
  const token = form.querySelector('input[name="csrfmiddlewaretoken"]').value;
  let stop = null;

  document.querySelectorAll("[data-pieces-note]").forEach((note) => { note.hidden = false; });

  class Refused extends Error {}

  const store = {
    name: (file) => `${KEY}${file.name}:${file.size}:${file.lastModified}`,
    get: (name) => { try { return JSON.parse(localStorage.getItem(name)); } catch { return null; } },
    set: (name, value) => { try { localStorage.setItem(name, JSON.stringify(value)); } catch { /* goes on after a break, not after a reload */ } },
    drop: (name) => { try { localStorage.removeItem(name); } catch { /* nothing was kept */ } },
    names: () => { try { return Object.keys(localStorage).filter((name) => name.startsWith(KEY)); } catch { return []; } },
  };

  const wait = (seconds, signal) => new Promise((resolve) => {
    const timer = setTimeout(done, seconds * 1000);
    function done() {
      clearTimeout(timer);
      window.removeEventListener("online", done);
      signal.removeEventListener("abort", done);
      resolve();
    }
    window.addEventListener("online", done);
    signal.addEventListener("abort", done);
  });

  const ask = (method, url, { headers = {}, body = null, signal = null } = {}) => fetch(url, {
    method,
    body,
    signal,
    credentials: "same-origin",
    headers: { "Tus-Resumable": "1.0.0", "X-CSRFToken": token, ...headers },
  });

  const told = async (response) => {
    if (response.status === 401 || response.status === 403) return "You are no longer logged in. Log in in another tab, then upload again: it goes on where it stopped.";
    try { return (await response.json()).error.message; } catch { return `The server answered ${response.status}. Try again later.`; }
  };

  const encoded = (value) => btoa(String.fromCharCode(...new TextEncoder().encode(value)));

  /* Where the file's pieces go and how much is there: of an upload that broke off, else of a new one. */
  const place = async (file, signal) => {
    const known = store.get(store.name(file));
    if (known) {
      const response = await ask("HEAD", known.url, { signal });
      if (response.ok) return { ...known, offset: Number(response.headers.get("Upload-Offset")) };
      if (response.status !== 404) throw response.status >= 500 ? new Error("server") : new Refused(await told(response));
      store.drop(store.name(file));
    }
    const response = await ask("POST", form.dataset.pieces, {
      signal,
      headers: { "Upload-Length": String(file.size), "Upload-Metadata": `filename ${encoded(file.name)}` },
    });
    if (response.status >= 500 && response.status !== 507) throw new Error("server");
    if (!response.ok) throw new Refused(await told(response));
    const made = await response.json();
    const kept = { id: made.id, url: new URL(response.headers.get("Location"), location.href).pathname, name: file.name, size: file.size };
    store.set(store.name(file), kept);
    return { ...kept, offset: 0 };
  };

  /* One file, to its end. `shown` is told how many of its bytes are there. */
  const send = async (file, signal, shown) => {
    let at = null;
    let failures = 0;
    for (;;) {
      if (signal.aborted) throw new DOMException("cancelled", "AbortError");
      try {
        if (at === null) at = await place(file, signal);
        shown(at.offset);
        if (at.offset >= file.size) return at;
        const response = await ask("PATCH", at.url, {
          signal,
          body: file.slice(at.offset, at.offset + PIECE),
          headers: { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(at.offset) },
        });
        if (response.status === 204) {
          at.offset = Number(response.headers.get("Upload-Offset"));
          failures = 0;
          continue;
        }
        const comesBack = [404, 408, 409, 423, 429].includes(response.status) || (response.status >= 500 && response.status !== 507);
        if (!comesBack) throw new Refused(await told(response));
      } catch (error) {
        if (error instanceof Refused || error.name === "AbortError") throw error;
      }
      at = null; /* ask again how much is there */
      failures += 1;
      if (failures > TRIES) throw new Refused("The connection did not come back. Choose the same file again later: it goes on where it stopped.");
      text.textContent = "The connection was lost. Trying again.";
      await wait(Math.min(30, 2 ** Math.min(failures - 1, 5)), signal);
    }
  };

  const megabytes = (bytes) => (bytes / 1048576).toLocaleString("en", { maximumFractionDigits: 1 });

  const sendAll = async (files, signal) => {
    const total = files.reduce((sum, file) => sum + file.size, 0);
    const ids = [];
    let before = 0;
    for (const file of files) {
      const done = await send(file, signal, (bytes) => {
        bar.value = total ? (100 * (before + bytes)) / total : 100;
        text.textContent = `${megabytes(before + bytes)} of ${megabytes(total)} MB of ${files.length === 1 ? file.name : `${files.length} files`}`;
      });
      before += file.size;
      ids.push(done.id);
    }
    return ids;
  };

  const forget = async (name) => {
    const known = store.get(name);
    store.drop(name);
    /* The piece that was under way may take a moment to end. What cannot be reached is removed by its age. */
    for (let tries = 0; known && tries < 5; tries += 1) {
      const response = await ask("DELETE", known.url).catch(() => null);
      if (!response || response.status !== 423) return;
      await new Promise((resolve) => { setTimeout(resolve, 500); });
    }
  };

  const begin = async (files) => {
    stop = new AbortController();
    button.disabled = true;
    unfinished.hidden = true;
    box.hidden = false;
    box.classList.remove("notice", "notice-bad");
    box.querySelector("[data-cancel]").hidden = false;
    try {
      partial.value = (await sendAll(files, stop.signal)).join(",");
      files.forEach((file) => store.drop(store.name(file)));
      text.textContent = "All is here. The files are looked into.";
      input.disabled = true; /* they are there already */
      form.submit();
    } catch (error) {
      button.disabled = false;
      if (error.name === "AbortError") {
        files.forEach((file) => forget(store.name(file)));
        box.hidden = true;
        return;
      }
      box.classList.add("notice", "notice-bad");
      box.querySelector("[data-cancel]").hidden = true;
      text.textContent = error instanceof Refused ? error.message : "The upload broke off. Choose the same files again: it goes on where it stopped.";
    }
  };

  form.addEventListener("submit", (event) => {
    const files = [...input.files];
    if (files.length) partial.value = "";
    if (!files.some((file) => file.size > PIECE) || files.some((file) => file.size === 0)) return;
    event.preventDefault();
    begin(files);
  });
  box.querySelector("[data-cancel]").addEventListener("click", () => { if (stop) stop.abort(); });

  /* What broke off before, on this machine. */
  const left = store.names().map((key) => ({ ...store.get(key), key })).filter((each) => each.url);
  const tell = async () => {
    const standing = [];
    for (const each of left) {
      const response = await ask("HEAD", each.url).catch(() => null);
      if (response && response.status === 404) store.drop(each.key);
      else if (response && response.ok) standing.push(`${each.name} (${Math.floor((100 * Number(response.headers.get("Upload-Offset"))) / each.size)} %)`);
    }
    if (!standing.length) return;
    unfinished.querySelector("[data-text]").textContent = `Not finished: ${standing.join(", ")}. Choose the same file again to go on.`;
    unfinished.hidden = false;
  };
  unfinished.querySelector("[data-forget]").addEventListener("click", () => {
    left.forEach((each) => forget(each.key));
    unfinished.hidden = true;
  });
  if (left.length) tell();
  window.addEventListener("pageshow", (event) => { if (event.persisted) { input.disabled = false; button.disabled = false; box.hidden = true; } });
})();
