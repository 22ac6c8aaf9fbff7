// The panels of the steps: what goes out is on the right, what comes in on the left.

import { addLine, byId, element, post, showState } from "../site/page.js";
import { ReconnectingSocket } from "../site/socket.js";

const CLOSED_BY_THE_CONSUMER = 1000;

const lines = byId("lines");
let socket = null;

// A frame as the page shows it: step 4 answers in JSON.
function received(text) {
  if (!byId("join")) return addLine(lines, "", text);
  const { username, text: said } = JSON.parse(text);
  return addLine(lines, "", element("b", "", username), said);
}

function connect(path, onText = received) {
  socket?.close();
  socket = new ReconnectingSocket(
    path,
    { onOpen() {}, onText, onState: showState },
    [CLOSED_BY_THE_CONSUMER],
  );
}

byId("say")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = event.target.elements.text;
  if (!field.value) return;
  if (socket?.send(field.value)) addLine(lines, "sent", field.value);
  else addLine(lines, "note error", "Not sent: there is no connection.");
  field.value = "";
});

// -- step 1: a request and its answer -----------------------------------------------------------

byId("ask")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const path = event.target.elements.path.value;
  const response = await fetch(path);
  const type = response.headers.get("content-type") ?? "";
  const text = type.startsWith("text/plain") ? await response.text() : "a page of the site";
  addLine(lines, "sent", `GET ${path}`);
  addLine(lines, "", element("b", "", response.status), text);
});

// -- step 4: a room and a name ------------------------------------------------------------------

function join(form) {
  const { room, username } = form.elements;
  const query = username.value ? `?${new URLSearchParams({ username: username.value })}` : "";
  const path = `/getting-started/sessions/${room.value}/${query}`;
  byId("address").textContent = `ws://${location.host}${path}`;
  lines.replaceChildren();
  connect(path);
}

byId("join")?.addEventListener("submit", (event) => {
  event.preventDefault();
  join(event.target);
});

// -- step 6: said from elsewhere ----------------------------------------------------------------

if (byId("said")) lines.append(byId("said").content);

byId("tell")?.addEventListener("submit", (event) => {
  event.preventDefault();
  post(event.target);
});

// -- step 7: a burst ----------------------------------------------------------------------------

let expected = [];

function checkOrder(text) {
  addLine(lines, "", text);
  const isRight = text === expected.shift();
  if (!isRight) expected = [];
  if (!isRight || !expected.length) {
    byId("verdict").textContent = isRight ? "All 20 came in order." : "One overtook another.";
  }
}

byId("send-burst")?.addEventListener("click", () => {
  lines.replaceChildren();
  const numbers = Array.from({ length: 20 }, (_, index) => String(index + 1));
  // A socket of its own: it has said nothing yet.
  connect(byId("burst").dataset.path, checkOrder);
  socket.handlers.onOpen = () => {
    expected = numbers.map((_, index) => numbers.slice(0, index + 1).join(" "));
    for (const number of numbers) socket.send(number);
  };
});

const path = (byId("talk") ?? byId("burst"))?.dataset.path;
if (path) connect(path, byId("burst") ? checkOrder : received);
else if (byId("join")?.elements.username.value) join(byId("join"));
else if (byId("state")) showState("closed", {});
