// A counter that lives on a consumer, and which worker that is in.

import { addLine, byId, post, showState } from "../site/page.js";
import { ReconnectingSocket } from "../site/socket.js";

let known = null;

const socket = new ReconnectingSocket("/ws/counter/", {
  onOpen() { known = null; },
  onText(text) {
    const now = JSON.parse(text);
    byId("clicks").textContent = now.clicks;
    byId("worker").textContent = `in worker ${now.worker}`;
    byId("restart-pid").textContent = now.worker;
    byId("restart").elements.worker.value = now.worker;
    if (known === null) addLine(byId("lines"), "note", `Connected: hosted by worker ${now.worker}.`);
    else if (known.worker !== now.worker) {
      addLine(byId("lines"), "", `Worker ${known.worker} has handed it over to ${now.worker}, with ${now.clicks} clicks.`);
      byId("restart-button").disabled = false;
    }
    known = now;
  },
  onState(state, details) {
    showState(state, details);
    if (state === "waiting" && known !== null) addLine(byId("lines"), "error", "The socket was closed.");
  },
});

byId("click").addEventListener("click", () => socket.send("{}"));

byId("restart").addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("restart-button").disabled = true;
  addLine(byId("lines"), "note", `Worker ${known.worker} was told to stop.`);
  const response = await post(event.target).catch(() => null);
  if (response?.status !== 204) {
    addLine(byId("lines"), "error", "It could not be told.");
    byId("restart-button").disabled = false;
  }
});
