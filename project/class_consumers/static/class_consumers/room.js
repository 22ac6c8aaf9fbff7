// The chat of the tutorial: what is said goes out as {"message": …}, and comes back the same way.

import { addLine, byId, showState } from "../site/page.js";
import { ReconnectingSocket } from "../site/socket.js";

const socket = new ReconnectingSocket(byId("room").dataset.path, {
  onOpen() {},
  onText: (text) => addLine(byId("lines"), "", JSON.parse(text).message),
  onState: showState,
});

byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = event.target.elements.text;
  if (field.value && socket.send(JSON.stringify({ message: field.value }))) field.value = "";
});
