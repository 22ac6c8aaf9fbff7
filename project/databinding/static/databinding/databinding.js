// The table, through the bridge: what is done here goes to the stream, what the stream says is shown.

import { addLine, byId, element, pageData, showState } from "../site/page.js";
import { askUntilAnswered } from "../site/retry.js";

const table = byId("table");
const rows = new Map(); // pk -> its row
// Pks that events have told of since the socket opened: they are newer than the answer to catchUp.
const told = new Set();

const bridge = new channels.WebSocketBridge();
bridge.connect(table.dataset.path);
bridge.listen();

function ask(action, pk, data) {
  const payload = { action, pk, data };
  byId("problem").textContent = "";
  addLine(byId("wire"), "out", JSON.stringify({ stream: "intval", payload }));
  bridge.stream("intval").send(payload);
}

// -- what is done here --------------------------------------------------------------------------

function addRow(pk) {
  const row = byId("row").content.firstElementChild.cloneNode(true);
  const [name, value] = row.querySelectorAll("input");
  row.id = `value-${pk}`;
  name.addEventListener("change", () => ask("update", pk, { name: name.value }));
  value.addEventListener("change", () => {
    if (value.reportValidity()) ask("update", pk, { value: value.valueAsNumber });
  });
  for (const field of [name, value]) {
    field.addEventListener("input", () => field.setAttribute("data-typing", ""));
    for (const end of ["change", "blur"]) field.addEventListener(end, () => field.removeAttribute("data-typing"));
  }
  for (const button of row.querySelectorAll(".step")) {
    button.addEventListener("click", () => {
      ask("update", pk, { value: Number(row.dataset.value) + Number(button.dataset.step) });
    });
  }
  row.querySelector(".remove").addEventListener("click", () => ask("delete", pk));
  rows.set(pk, row);
  byId("values").append(row);
  return row;
}

byId("add").addEventListener("submit", (event) => {
  event.preventDefault();
  ask("create", null, { name: event.target.elements.name.value, value: 0 });
  event.target.reset();
});

// -- what the stream says -----------------------------------------------------------------------

function show(pk, data) {
  const row = rows.get(pk) ?? addRow(pk);
  for (const field of row.querySelectorAll("input")) {
    row.dataset[field.className] = data[field.className];
    // What somebody is typing here is not to be taken away by what others do.
    if (!field.hasAttribute("data-typing")) field.value = data[field.className];
  }
  return row;
}

function refuse({ pk, problem }) {
  byId("problem").textContent = problem;
  if (rows.has(pk)) show(pk, rows.get(pk).dataset); // as it was
}

function forget(pk) {
  rows.get(pk)?.remove();
  rows.delete(pk);
  tellIfEmpty();
}

function tellIfEmpty() {
  byId("values").querySelector(".empty-note")?.remove();
  if (!rows.size) byId("values").append(element("p", "empty-note", "No value yet."));
}

bridge.demultiplex("intval", (payload, stream) => {
  addLine(byId("wire"), "", JSON.stringify({ stream, payload }));
  if (payload.action === "refused") return refuse(payload);
  told.add(payload.pk);
  if (payload.action === "delete") return forget(payload.pk);
  show(payload.pk, payload.data).classList.remove("fresh");
  void rows.get(payload.pk).offsetWidth; // begins the animation anew
  rows.get(payload.pk).classList.add("fresh");
  return tellIfEmpty();
});

// -- the connection -----------------------------------------------------------------------------

function showAll(values) {
  const pks = new Set(values.map((one) => one.id));
  for (const pk of [...rows.keys()]) if (!pks.has(pk) && !told.has(pk)) forget(pk);
  for (const one of values) if (!told.has(one.id)) show(one.id, one);
  tellIfEmpty();
}

// What was changed while the socket was away.
async function catchUp(signal) {
  told.clear();
  const answer = await askUntilAnswered(table.dataset.latest, signal);
  if (answer) showAll(answer.values);
}

let connection = new AbortController();

showAll(pageData("page").values);
bridge.socket.addEventListener("open", () => {
  showState("live", {});
  connection = new AbortController();
  catchUp(connection.signal);
});
bridge.socket.addEventListener("close", () => {
  connection.abort();
  showState("connecting", {});
});
