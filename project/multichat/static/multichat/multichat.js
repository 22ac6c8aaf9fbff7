// Rooms over one socket: commands go out, and what the server says opens, fills and closes rooms.

import { addLine, byId, element, showState } from "../site/page.js";
import { ReconnectingSocket } from "../site/socket.js";

const PROBLEMS = {
  ROOM_ACCESS_DENIED: "That room is for staff.",
  NOT_IN_THE_ROOM: "You are not in that room.",
  NO_SUCH_ROOM: "There is no such room.",
  MESSAGE_EMPTY_OR_TOO_LONG: "A message has 1 to 500 characters.",
};
const ENTRIES = { enter: "has come", leave: "has gone" };

const open = new Map(); // id -> the section that shows the room
const wanted = new Set(); // what is to be joined again after the socket was away
const none = byId("open-rooms").firstElementChild;

const switchOf = (id) => byId("rooms").querySelector(`[value="${id}"]`);

function command(content) {
  const text = JSON.stringify(content);
  byId("problem").textContent = "";
  if (socket.send(text)) addLine(byId("wire"), "out", text);
}

// -- what comes in ------------------------------------------------------------------------------

function openRoom(id, title) {
  switchOf(id).checked = true;
  wanted.add(id);
  if (open.has(id)) return;
  const section = byId("open-room").content.firstElementChild.cloneNode(true);
  section.id = `room-${id}`;
  section.querySelector("h2").textContent = title;
  section.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const field = event.target.elements.text;
    if (field.value.trim()) command({ command: "send", room: id, message: field.value });
    field.value = "";
  });
  open.set(id, section);
  none.hidden = true;
  byId("open-rooms").append(section);
}

function closeRoom(id) {
  switchOf(id).checked = false;
  wanted.delete(id);
  open.get(id)?.remove();
  open.delete(id);
  none.hidden = open.size > 0;
}

function showSaid({ room, kind, username, message }) {
  const list = open.get(room)?.querySelector(".lines");
  if (!list) return;
  if (kind in ENTRIES) addLine(list, "note", `${username} ${ENTRIES[kind]}`);
  else addLine(list, "", element("b", "", username), message);
}

function showProblem(code) {
  byId("problem").textContent = PROBLEMS[code] ?? code;
  for (const one of byId("rooms").querySelectorAll("input")) one.checked = open.has(Number(one.value));
}

function receive(text) {
  addLine(byId("wire"), "", text);
  const event = JSON.parse(text);
  if (event.join) openRoom(event.join, event.title);
  else if (event.leave) closeRoom(event.leave);
  else if (event.error) showProblem(event.error);
  else showSaid(event);
}

// -- what goes out ------------------------------------------------------------------------------

byId("rooms").addEventListener("change", ({ target }) => {
  command({ command: target.checked ? "join" : "leave", room: Number(target.value) });
});

const socket = new ReconnectingSocket(byId("rooms").dataset.path, {
  onOpen: () => wanted.forEach((room) => command({ command: "join", room })),
  onText: receive,
  onState(state, detail) {
    showState(state, detail);
    for (const one of byId("rooms").querySelectorAll("input")) one.disabled = state !== "live";
  },
});
