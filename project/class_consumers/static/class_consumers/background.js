// Asks for slow work, and shows how far it is.

import { byId, showState } from "../site/page.js";
import { ReconnectingSocket } from "../site/socket.js";

const socket = new ReconnectingSocket("/ws/background/", {
  onOpen() {},
  onText(text) {
    const { done, of } = JSON.parse(text);
    byId("progress").value = done;
    byId("progress").max = of;
    byId("told").textContent = done === of ? "Done." : `${done} of ${of}`;
    byId("start").disabled = done < of;
  },
  onState: showState,
});

byId("start").addEventListener("click", () => {
  if (!socket.send("{}")) return;
  byId("start").disabled = true;
  byId("told").textContent = "Waiting for a worker…";
});
