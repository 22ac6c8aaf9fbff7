// Events of a response that goes on.

import { addLine, byId, showState } from "../site/page.js";

const events = new EventSource("/sse/ticker/");
events.onopen = () => showState("live", {});
events.onerror = () => showState("connecting", {});
events.onmessage = (event) => {
  const { number, of } = JSON.parse(event.data);
  addLine(byId("lines"), "", `Event ${number} of ${of}`);
};
