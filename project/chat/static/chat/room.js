// A room: joins the socket, the log, the outbox and the list of people.

import { byId, element, pageData, showState as showSocketState } from "../site/page.js";
import { askUntilAnswered } from "../site/retry.js";
import { ReconnectingSocket } from "../site/socket.js";
import { MessageLog, avatar } from "./log.js";
import { Outbox } from "./outbox.js";

const NOT_LOGGED_IN = 4001;
const NO_SUCH_ROOM = 4004;
const TYPING_EVERY_MS = 2_500;

const page = pageData("page");
const log = new MessageLog(byId("log"), page.me, byId("to-end"));
const outbox = new Outbox((text) => socket.send(text));
let hasOlder = page.more;

// -- history ---------------------------------------------------------------------------------

function take(messages) {
  log.add(messages);
  for (const message of messages) if (message.author === page.me) outbox.done(message.key);
}

// Up to this id nothing is missing; null once all is there. log.lastId won't do meanwhile: what is
// said now comes after what was missed.
let caughtUpTo = null;

// What was said while the socket was away. If it goes again, the next one goes on from there.
async function catchUp(signal) {
  caughtUpTo ??= log.lastId;
  for (let more = true; more; ) {
    const answer = await askUntilAnswered(`${page.historyUrl}?after=${caughtUpTo}`, signal);
    if (!answer) return;
    take(answer.messages);
    caughtUpTo = answer.messages.at(-1)?.id ?? caughtUpTo;
    more = answer.more;
  }
  caughtUpTo = null;
  outbox.flush();
}

async function showOlder() {
  if (!hasOlder) return;
  hasOlder = false;
  try {
    const response = await fetch(`${page.historyUrl}?before=${log.firstId}`);
    if (!response.ok) throw new Error(`history: ${response.status}`);
    const answer = await response.json();
    take(answer.messages);
    hasOlder = answer.more;
  } catch {
    hasOlder = true;
  }
}

// -- what comes in ------------------------------------------------------------------------------

const typists = new Map();

function showTyping() {
  const names = [...typists.keys()];
  byId("typing").textContent = names.length ? `${names.join(", ")} ${names.length > 1 ? "are" : "is"} typing…` : "";
}

function setTyping(author) {
  if (author === page.me) return;
  clearTimeout(typists.get(author));
  typists.set(author, setTimeout(() => stopTyping(author), TYPING_EVERY_MS + 1_500));
  showTyping();
}

function stopTyping(author) {
  clearTimeout(typists.get(author));
  if (typists.delete(author)) showTyping();
}

function showPeople(people) {
  byId("people-count").textContent = people.length;
  byId("people-list").replaceChildren(
    ...people.map((name) => element("li", "", avatar(name), name === page.me ? `${name} (you)` : name)),
  );
}

const receivers = {
  message(event) {
    stopTyping(event.author);
    take([event]);
  },
  people: (event) => showPeople(event.people),
  typing: (event) => setTyping(event.author),
  error: (event) => log.note(event.text, "error"),
};

function receive(text) {
  let event = null;
  try {
    event = JSON.parse(text);
  } catch {
    // Somebody sent plain text to the Group, as one does from a shell.
  }
  if (Object.hasOwn(receivers, event?.type)) receivers[event.type](event);
  else log.note(text);
}

// -- the connection -----------------------------------------------------------------------------

function showState(state, detail) {
  showSocketState(state, detail);
  const { code } = detail;
  if (code === NOT_LOGGED_IN) log.note("You are not logged in any more: load the page again.", "error");
  if (code === NO_SUCH_ROOM) log.note("This room is gone.", "error");
}

const socket = new ReconnectingSocket(
  page.streamPath,
  { onOpen: catchUp, onText: receive, onState: showState },
  [NOT_LOGGED_IN, NO_SUCH_ROOM],
);

// -- what is typed ------------------------------------------------------------------------------

const field = byId("text");
let typedAt = 0;

function fitField() {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}

byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (!text) return;
  const key = outbox.add(text);
  log.add([{ author: page.me, text, key, at: new Date().toISOString() }]);
  field.value = "";
  typedAt = 0;
  fitField();
  field.focus();
});

field.addEventListener("keydown", (event) => {
  // While an input method composes (Chinese, for one), Enter chooses a word. 229: Safari's way to say so.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  byId("composer").requestSubmit();
});

field.addEventListener("input", () => {
  fitField();
  if (!field.value || Date.now() - typedAt < TYPING_EVERY_MS) return;
  typedAt = Date.now();
  socket.send(JSON.stringify({ type: "typing" }));
});

byId("log").addEventListener("scroll", () => byId("log").scrollTop < 80 && showOlder());

const peopleButton = byId("people-button");
peopleButton.addEventListener("click", () => {
  const isOpen = byId("people").classList.toggle("open");
  peopleButton.setAttribute("aria-expanded", isOpen);
});
byId("log").addEventListener("click", () => {
  byId("people").classList.remove("open");
  peopleButton.setAttribute("aria-expanded", "false");
});

if (page.messages.length) take(page.messages);
else byId("log").append(element("p", "empty", "Nothing said yet. Be the first."));
showPeople(page.people);
fitField();
