// The posts, the newest first: those the page came with, and each as it is saved, changed, deleted.

import { byId, element, pageData, post as postForm, showState } from "../site/page.js";
import { askUntilAnswered } from "../site/retry.js";
import { ReconnectingSocket } from "../site/socket.js";

const shown = byId("posts");
const known = new Map();
// Ids that events have told of since the socket opened: they are newer than the answer to catchUp.
const told = new Set();

function draw(post) {
  const at = new Date(post.at);
  const time = element("time", "aside", at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  time.dateTime = post.at;
  time.title = at.toLocaleString();
  const title = element("div", "panel-title", element("h2", "", post.headline), time);
  return element("article", "panel post", title, element("p", "", post.body));
}

function show(post) {
  const article = draw(post);
  if (known.has(post.id)) known.get(post.id).replaceWith(article);
  else {
    const older = [...known.keys()].filter((id) => id < post.id);
    shown.insertBefore(article, older.length ? known.get(Math.max(...older)) : null);
  }
  known.set(post.id, article);
  tellIfEmpty();
  return article;
}

function forget(id) {
  known.get(id)?.remove();
  known.delete(id);
  tellIfEmpty();
}

function tellIfEmpty() {
  shown.querySelector(".empty-note")?.remove();
  if (!known.size) shown.append(element("p", "empty-note", "No post yet. Write the first, and keep an eye on another window."));
}

// What was saved and deleted while the socket was away.
async function catchUp(signal) {
  told.clear();
  const answer = await askUntilAnswered(shown.dataset.latest, signal);
  if (!answer) return;
  const ids = new Set(answer.posts.map((post) => post.id));
  const oldest = answer.all ? 0 : Math.min(...ids);
  for (const id of [...known.keys()]) if (id >= oldest && !ids.has(id) && !told.has(id)) forget(id);
  for (const post of answer.posts) if (!told.has(post.id)) show(post);
}

function receive(text) {
  const event = JSON.parse(text);
  told.add(event.deleted ?? event.post.id);
  if (event.deleted) forget(event.deleted);
  else show(event.post).classList.add("fresh");
}

byId("write")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const written = new FormData(form);
  const answer = postForm(form);
  form.reset(); // at once: what is typed from now on is the next post
  // The post itself comes as to all readers: through the socket.
  const response = await answer.catch(() => null);
  if (response?.type === "opaqueredirect") return;
  const isRefused = response && response.status !== 503;
  for (const [name, value] of written) {
    const field = form.elements[name];
    if (isRefused || !field.value) field.value = value; // what is typed meanwhile stays
  }
  if (isRefused) form.submit(); // something is wrong with it: the page will say what
});

pageData("latest").forEach(show);
tellIfEmpty();
new ReconnectingSocket(shown.dataset.path, { onOpen: catchUp, onText: receive, onState: showState });
