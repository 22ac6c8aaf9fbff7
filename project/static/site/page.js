// What the pages share: elements, data that the server put into the page, lines in a list.

export const byId = (id) => document.getElementById(id);

export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

// What {{ value|json_script:"id" }} left in the page.
export const pageData = (id) => JSON.parse(byId(id).textContent);

// Put a line at the end of a list, keep it in sight, and forget what is long gone.
export function addLine(list, className, ...children) {
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.append(element("li", className, ...children));
  while (list.childElementCount > 200) list.firstElementChild.remove();
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

// How often it is asked whether a worker answers, and how long it may take.
const ASK_EVERY_MS = 5_000, ANSWER_WITHIN_MS = 3_000;
let isWatched = false;

// Show in #state how a ReconnectingSocket is: this is its onState.
export function showState(state, { seconds }) {
  const shown = byId("state");
  if (!isWatched) {
    isWatched = true;
    setInterval(askWorkers, ASK_EVERY_MS);
  }
  shown.dataset.state = state;
  shown.textContent = {
    connecting: "Connecting…",
    live: "Live",
    waiting: `Back in ${seconds} s`,
    closed: "Closed",
  }[state];
}

// "Live" says that the socket is open. Whether anybody answers on the other side is another thing.
async function askWorkers() {
  const shown = byId("state");
  if (document.hidden || !["live", "slow"].includes(shown.dataset.state)) return;
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const isAnswered = await fetch("/answers/", { signal, cache: "no-store" }).then((r) => r.ok, () => false);
  const state = isAnswered ? "live" : "slow";
  if (!["live", "slow"].includes(shown.dataset.state) || shown.dataset.state === state) return;
  shown.dataset.state = state;
  shown.textContent = isAnswered ? "Live" : "No worker answers";
}

// POST a form without leaving the page; return the Response.
export function post(form) {
  return fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" });
}
