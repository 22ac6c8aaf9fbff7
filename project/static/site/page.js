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

// Show in #state how a ReconnectingSocket is: this is its onState.
export function showState(state, { seconds }) {
  const shown = byId("state");
  shown.dataset.state = state;
  shown.textContent = {
    connecting: "Connecting…",
    live: "Live",
    waiting: `Back in ${seconds} s`,
    closed: "Closed",
  }[state];
}

// POST a form without leaving the page; return the Response.
export function post(form) {
  return fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" });
}
