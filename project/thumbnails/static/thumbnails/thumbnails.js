// The pictures, the newest first; each event on the socket is one picture as it is now.

import { byId, element, pageData, post, showState } from "../site/page.js";
import { askUntilAnswered } from "../site/retry.js";
import { ReconnectingSocket } from "../site/socket.js";

const shown = byId("pictures");
const upload = byId("upload");
// Ids that events have told of since the socket opened: they are newer than the answer to catchUp.
const told = new Set();

function addPicture(id) {
  const made = byId("picture").content.firstElementChild.cloneNode(true);
  made.id = `picture-${id}`;
  const again = made.querySelector(".again");
  again.action = `${location.pathname}${id}/again/`;
  again.addEventListener("submit", (event) => {
    event.preventDefault();
    post(again);
  });
  const older = [...shown.querySelectorAll(".picture")].find((one) => Number(one.id.slice(8)) < id);
  shown.insertBefore(made, older ?? null);
  return made;
}

function sizeLink({ width, url }) {
  const image = element("img");
  Object.assign(image, { src: url, alt: "", className: `size-${width}` });
  const link = element("a", "", image, `${width} px`);
  Object.assign(link, { href: url, target: "_blank" });
  return link;
}

function show(picture) {
  shown.querySelector(".empty-note")?.remove();
  const article = byId(`picture-${picture.id}`) ?? addPicture(picture.id);
  const isDone = picture.percent === 100;
  article.className = `panel picture ${isDone ? "done" : ""} ${picture.problem ? "failed" : ""}`;
  article.querySelector("h2").textContent = picture.name;
  article.querySelector(".aside").textContent = isDone || picture.problem ? "" : `${picture.percent} %`;
  article.querySelector("progress").value = picture.percent;
  article.querySelector(".error").textContent = picture.problem;
  article.querySelector(".again").hidden = isDone;
  article.querySelector(".sizes").replaceChildren(...picture.thumbnails.map(sizeLink));
}

function showAll(pictures) {
  pictures.forEach(show);
  if (!shown.childElementCount) {
    shown.append(element("p", "empty-note", "No picture yet: upload one."));
  }
}

async function catchUp(signal) {
  told.clear();
  const answer = await askUntilAnswered(shown.dataset.latest, signal);
  if (answer) showAll(answer.pictures.filter((picture) => !told.has(picture.id)));
}

function receive(text) {
  const picture = JSON.parse(text);
  told.add(picture.id);
  show(picture);
}

// -- uploading ----------------------------------------------------------------------------------

async function send() {
  byId("problem").textContent = "";
  const sent = post(upload);
  upload.reset(); // at once: what is chosen from now on is the next picture
  const response = await sent.catch(() => null);
  if (response?.type === "opaqueredirect") return;
  if (!response) {
    byId("problem").textContent = "The site does not answer: choose the picture again.";
    return;
  }
  const answer = new DOMParser().parseFromString(await response.text(), "text/html");
  byId("problem").textContent = answer.querySelector("#upload .error")?.textContent ?? `Refused: ${response.status}`;
}

upload.addEventListener("change", send);
const drop = byId("drop");
for (const type of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(type, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", type === "dragover");
  });
}
drop.addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  upload.elements.original.files = event.dataTransfer.files;
  send();
});

showAll(pageData("page").pictures);
new ReconnectingSocket(shown.dataset.path, { onOpen: catchUp, onText: receive, onState: showState });
