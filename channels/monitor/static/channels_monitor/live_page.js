"use strict";
// The live page: asks once a second over its WebSocket, and draws what comes. Without a WebSocket
// (a proxy that does not let it through) it asks over HTTP, a little less often.
(() => {
  const root = document.getElementById("cm");
  const el = (id) => document.getElementById(id);
  const mayAct = root.dataset.mayAct === "yes";
  const TICK_MS = 1000, POLL_MS = 3000, HISTORY = 60, LATE_MS = 5000;
  const history = new Map(); // channel -> [{at, waiting, sent}], a minute of them
  let socket = null, retryMs = 500, failures = 0, lastAnswer = 0, isAsking = false;

  // -- asking ------------------------------------------------------------------------------------

  function connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    socket = new WebSocket(`${scheme}//${location.host}/-/channels/live/`);
    socket.onopen = () => { failures = 0; retryMs = 500; ask(); };
    socket.onmessage = (event) => { isAsking = false; show(JSON.parse(event.data)); };
    socket.onclose = (event) => {
      socket = null;
      isAsking = false;
      failures += 1;
      el("cm-state").dataset.reconnects = String(Number(el("cm-state").dataset.reconnects || 0) + 1);
      if (event.code === 4403) { setState("lost", "You may no longer see this page"); return; }
      setState("slow", "Reconnecting…");
      setTimeout(connect, retryMs + Math.random() * 250);
      retryMs = Math.min(retryMs * 2, 15000);
    };
  }

  function ask() {
    if (document.hidden) return;
    if (socket && socket.readyState === WebSocket.OPEN) {
      if (!isAsking) { isAsking = true; socket.send("status"); }
      if (lastAnswer && Date.now() - lastAnswer > LATE_MS) {
        setState("slow", "No worker answers");
      }
    }
  }

  async function poll() {
    if (document.hidden || failures < 2 || (socket && socket.readyState === WebSocket.OPEN)) return;
    try {
      const response = await fetch(root.dataset.statusUrl, { credentials: "same-origin" });
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      show(await response.json(), "Live, without a WebSocket");
    } catch (error) {
      setState("lost", `Not connected: ${error.message}`);
    }
  }

  function setState(state, text) {
    const node = el("cm-state");
    if (node.textContent !== text) node.textContent = text;
    node.dataset.state = state;
    root.dataset.stale = state === "live" ? "no" : "yes";
  }

  // -- drawing -----------------------------------------------------------------------------------

  function show(status, text = "Live") {
    lastAnswer = Date.now();
    el("cm-trouble").hidden = !status.error;
    if (status.error) {
      el("cm-trouble").textContent = status.error;
      setState("slow", "No figures");
      return;
    }
    setState("live", text);
    remember(status);
    draw("cm-channels", status.channels, channelRow, "No channel has been used yet.");
    draw("cm-servers", status.servers, serverRow, "No interface server runs: start interface-server.");
    draw("cm-workers", status.workers, workerRow, "No worker runs: start manage.py runworker.");
    draw("cm-groups", status.groups, groupRow, "No group has a member.");
    const losses = status.channels.flatMap((c) => c.losses.map((loss) => ({ name: c.name, ...loss })));
    el("cm-lost-section").hidden = losses.length === 0;
    draw("cm-lost", losses, lossRow, "");
    el("cm-more-groups").hidden = !status.more_groups;
    el("cm-more-groups").textContent = `And ${status.more_groups} smaller ones.`;
  }

  function remember(status) {
    const names = new Set(status.channels.map((c) => c.name));
    for (const name of history.keys()) if (!names.has(name)) history.delete(name);
    for (const c of status.channels) {
      const past = history.get(c.name) || [];
      past.push({ at: status.at, waiting: c.waiting, sent: c.sent });
      while (past.length > HISTORY) past.shift();
      history.set(c.name, past);
    }
  }

  // A row is kept as long as its text stays the same, so that focus and selection survive.
  function draw(id, items, makeRow, empty) {
    const body = el(id);
    body.closest("table").classList.add("cm-stack");
    if (items.length === 0) {
      const columns = body.closest("table").querySelectorAll("th").length;
      if (body.dataset.empty === "yes") return;
      body.dataset.empty = "yes";
      body.replaceChildren(make("tr", {}, make("td", { colSpan: columns, className: "cm-small cm-none" }, empty)));
      return;
    }
    if (body.dataset.empty !== "no") { body.replaceChildren(); body.dataset.empty = "no"; }
    const labels = [...body.closest("table").querySelectorAll("th")].map((th) => th.textContent);
    items.forEach((item, index) => {
      const cells = makeRow(item);
      const row = body.rows[index] || body.insertRow();
      cells.forEach((cell, column) => {
        const old = row.cells[column] || row.insertCell();
        old.dataset.label = labels[column] || "";
        if (cell.className !== undefined && old.className !== cell.className) old.className = cell.className;
        const key = cell.key !== undefined ? cell.key : cell.text;
        if (old.dataset.key === String(key)) return;
        old.dataset.key = String(key);
        old.replaceChildren(...(cell.nodes ? cell.nodes() : [cell.text]));
      });
    });
    while (body.rows.length > items.length) body.deleteRow(-1);
  }

  const name = (text) => ({ text, className: "cm-name" });
  const number = (value) => ({ text: value ? String(value) : "", className: "cm-n" });
  const small = (text) => ({ text, className: "cm-small" });

  function channelRow(c) {
    const past = history.get(c.name);
    const first = past[Math.max(past.length - 6, 0)], last = past[past.length - 1];
    const seconds = last.at - first.at;
    const rate = seconds > 0 ? Math.max(last.sent - first.sent, 0) / seconds : 0;
    const unheard = !c.is_heard && c.waiting > 0;
    return [
      { className: "cm-name", key: `${c.name}|${unheard}`, nodes: () => [
        c.name, ...(unheard ? [make("span", { className: "cm-flag" }, "no worker takes it")] : [])] },
      { className: "", key: `${last.at}`, nodes: () => [sparkline(past.map((p) => p.waiting), c.name)] },
      { className: "cm-n", text: String(c.waiting) },
      { className: "cm-n", text: c.waiting ? age(c.oldest_s) : "" },
      { className: "cm-n", text: rate >= 0.05 ? rate.toFixed(rate < 10 ? 1 : 0) : "" },
      number(c.delayed),
      { className: "cm-n", key: `${c.dead_letters}`, nodes: () => c.dead_letters
        ? [button(`${c.dead_letters}`, () => showLetters(c.name), `Dead letters of ${c.name}`)] : [""] },
    ];
  }

  function serverRow(s) {
    return [{ text: s.id, className: "cm-name cm-id" }, small(`${s.host || "?"} · ${s.pid || "?"}`), { className: "cm-n", text: String(s.sockets ?? "") },
      { className: "cm-n", text: s.up_s ? age(s.up_s) : "" }, { className: "cm-n", text: `${age(s.seen_s)} ago` }];
  }

  function workerRow(w) {
    const runs = (w.running || []).map((r) => `${r.consumer.split(".").pop()} (${age(r.for_s)})`).join(", ");
    return [
      { className: "cm-name cm-id", key: `${w.id}|${w.version || ""}`, nodes: () => [
        w.id, ...(w.version && w.version !== "unknown" ? [make("span", { className: "cm-version" }, `version ${w.version.slice(0, 12)}`)] : [])] },
      small((w.channels || []).join(", ")),
      small(runs || `idle, ${w.threads || "?"} thread${w.threads === 1 ? "" : "s"}`),
      { className: "cm-n", text: w.sockets ? String(w.sockets) : "" },
      { className: "cm-n", text: w.up_s ? age(w.up_s) : "" },
      { className: "cm-n", text: `${age(w.seen_s)} ago` },
      { className: "cm-n", key: w.id, nodes: () => mayAct ? [button("Stop", () => act("Stop it", { action: "stop", worker: w.id },
        `Stop worker ${w.id}? It finishes what it runs and hands its sockets over. Whatever started it may start it again.`), w.id)] : [] },
    ];
  }

  function groupRow(g) {
    return [{ className: "cm-name", key: g.name, nodes: () => [
      button(g.name, () => showMembers(g.name), `Members of ${g.name}`)] }, { className: "cm-n", text: String(g.size) }];
  }

  const lossRow = (l) => [name(l.name), { className: "cm-n", text: String(l.count) }, { text: l.reason, className: "" }, { text: l.advice, className: "" }];

  function sparkline(values, label) {
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg");
    const top = Math.max(1, ...values);
    const points = values.map((v, i) => `${((HISTORY - values.length + i) * 120) / (HISTORY - 1)},${23 - (v / top) * 21}`);
    svg.setAttribute("class", "cm-spark");
    svg.setAttribute("viewBox", "0 0 120 24");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `${label}: ${values[values.length - 1]} waiting, at most ${Math.max(...values)} in the last minute`);
    const area = document.createElementNS(ns, "polygon");
    const line = document.createElementNS(ns, "polyline");
    const left = points[0].split(",")[0];
    area.setAttribute("points", `${left},24 ${points.join(" ")} 120,24`);
    line.setAttribute("points", points.join(" "));
    svg.append(area, line);
    return svg;
  }

  function age(seconds) {
    if (seconds < 1) return "0 s";
    if (seconds < 120) return `${Math.floor(seconds)} s`;
    if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
    if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
    return `${Math.floor(seconds / 86400)} d`;
  }

  function make(tag, properties, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  }

  function button(text, onclick, label) {
    const node = make("button", { type: "button", className: "cm-link", onclick }, text);
    if (label) node.setAttribute("aria-label", `${label}: ${text}`);
    return node;
  }

  // -- dialogs and actions -------------------------------------------------------------------------

  async function read(url, parameters) {
    const response = await fetch(`${url}?${new URLSearchParams(parameters)}`, { credentials: "same-origin" });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error || `the server answered ${response.status}`);
    return answer;
  }

  async function openDialog(title, fill) {
    el("cm-dialog-title").textContent = title;
    el("cm-dialog-body").replaceChildren("Reading…");
    el("cm-dialog").showModal();
    try {
      el("cm-dialog-body").replaceChildren(...(await fill()));
    } catch (error) {
      el("cm-dialog-body").replaceChildren(make("p", { className: "cm-trouble" }, error.message));
    }
  }

  function showLetters(channel) {
    openDialog(`Dead letters of ${channel}`, async () => {
      const { letters } = await read(root.dataset.lettersUrl, { channel });
      if (letters.length === 0) return [make("p", {}, "There are none any more.")];
      const all = mayAct ? [actions([
        ["Send all again", { action: "replay", channel }, `Send all ${letters.length} dead letters to ${channel} again?`],
        ["Remove all", { action: "purge", channel }, `Remove all ${letters.length} dead letters of ${channel} for good?`]])] : [];
      return [...all, ...letters.map((letter) => make("div", { className: "cm-letter" },
        make("strong", {}, letter.reason),
        make("span", { className: "help" }, ` · ${new Date(letter.at * 1000).toLocaleString()} · ${letter.attempts} retries`),
        make("pre", {}, letter.content),
        ...(mayAct ? [actions([
          ["Send again", { action: "replay", channel, ids: [letter.id] }, `Send this message to ${channel} again?`],
          ["Remove", { action: "purge", channel, ids: [letter.id] }, "Remove this message for good?"]])] : [])))];
    });
  }

  function showMembers(group) {
    openDialog(`Members of ${group}`, async () => {
      const { members, more } = await read(root.dataset.membersUrl, { group });
      const rows = members.map((channel) => make("div", { className: "cm-letter" },
        make("code", {}, channel),
        ...(mayAct && channel.startsWith("websocket.send.") ? [actions([
          ["Close this socket", { action: "close", channel }, `Close ${channel}? Its page will connect again if it is made to.`]])] : [])));
      return [...rows, ...(more ? [make("p", {}, `And ${more} more.`)] : [])];
    });
  }

  function actions(list) {
    return make("p", {}, ...list.flatMap(([text, asked, question]) =>
      [make("button", { type: "button", className: "button", onclick: () => act(text, asked, question) }, text), " "]));
  }

  async function act(text, asked, question) {
    if (!(await confirmed(text, question))) return;
    el("cm-dialog").close();
    const token = root.querySelector("[name=csrfmiddlewaretoken]").value;
    try {
      const response = await fetch(root.dataset.actUrl, { method: "POST", credentials: "same-origin",
        headers: { "Content-Type": "application/json", "X-CSRFToken": token }, body: JSON.stringify(asked) });
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.error || `the server answered ${response.status}`);
      tell("cm-done", answer.done);
    } catch (error) {
      tell("cm-trouble", error.message);
    }
    ask();
  }

  function confirmed(text, question) {
    const dialog = el("cm-confirm");
    el("cm-confirm-text").textContent = question;
    el("cm-confirm-yes").textContent = text;
    dialog.returnValue = "cancel";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    });
  }

  function tell(id, text) {
    el(id).textContent = text;
    el(id).hidden = false;
    if (id === "cm-done") setTimeout(() => { el(id).hidden = true; }, 8000);
  }

  el("cm-user")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const user = el("cm-user-name").value;
    act("Close them", { action: "close_user", user }, `Close all sockets of ${user}?`);
  });

  document.addEventListener("visibilitychange", ask);
  setInterval(ask, TICK_MS);
  setInterval(poll, POLL_MS);
  connect();
})();
