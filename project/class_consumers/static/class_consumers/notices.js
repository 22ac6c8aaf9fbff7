// Notices for whoever is logged in.

import { addLine, byId, post, showState } from "../site/page.js";
import { ReconnectingSocket } from "../site/socket.js";

new ReconnectingSocket("/ws/notices/", {
  onOpen() {},
  onText: (text) => addLine(byId("lines"), "", JSON.parse(text).text),
  onState: showState,
});

byId("send").addEventListener("submit", async (event) => {
  event.preventDefault();
  const response = await post(event.target).catch(() => null);
  if (response?.status === 204) event.target.elements.text.value = "";
});
