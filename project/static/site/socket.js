// A WebSocket that comes back: it tells its state, and waits longer after each failure.

import { waitAfter } from "./retry.js";

// An open socket that drops within this time counts as a failure, so that waits go on growing.
const STEADY_AFTER_MS = 5_000;

export class ReconnectingSocket {
  // `path`: where to connect to, on this page's host. `handlers`: onOpen(signal), onText(text),
  // onState("connecting" | "live" | "waiting" | "closed", {seconds, code}).
  // The signal is aborted when that connection ends.
  // `finalCodes`: close codes after which it does not come back.
  constructor(path, handlers, finalCodes = []) {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.url = `${scheme}//${location.host}${path}`;
    this.handlers = handlers;
    this.finalCodes = finalCodes;
    this.failures = 0;
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
    // A browser keeps a page that was left for a while, with its sockets open, to come back to it.
    addEventListener("pagehide", () => this.rest());
    addEventListener("pageshow", (event) => event.persisted && !this.isOver && this.connect());
    this.connect();
  }

  get isOpen() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  send(text) {
    if (!this.isOpen) return false;
    this.socket.send(text);
    return true;
  }

  // Close it until the page is shown again.
  rest() {
    this.stopWaiting();
    this.connection.abort();
    this.socket.onclose = null;
    this.socket.close(1000);
  }

  // Close it for good.
  close() {
    this.stopWaiting();
    this.isOver = true;
    this.socket.close(1000);
  }

  connect() {
    this.stopWaiting();
    this.handlers.onState("connecting", {});
    this.connection = new AbortController();
    this.socket = new WebSocket(this.url);
    this.socket.onopen = () => {
      this.openedAt = Date.now();
      this.handlers.onState("live", {});
      this.handlers.onOpen(this.connection.signal);
    };
    this.socket.onmessage = (event) => this.handlers.onText(event.data);
    this.socket.onclose = (event) => this.closed(event.code);
  }

  closed(code) {
    this.connection.abort();
    if (this.isOver) return;
    if (this.finalCodes.includes(code)) return this.handlers.onState("closed", { code });
    if (this.openedAt && Date.now() - this.openedAt > STEADY_AFTER_MS) this.failures = 0;
    this.openedAt = null;
    this.failures += 1;
    this.wait(waitAfter(this.failures));
  }

  wait(waitMs) {
    const until = Date.now() + waitMs;
    const tick = () => {
      const left = until - Date.now();
      if (left <= 0) return this.connect();
      this.handlers.onState("waiting", { seconds: Math.ceil(left / 1000) });
    };
    this.countdown = setInterval(tick, 250);
    tick();
  }

  stopWaiting() {
    clearInterval(this.countdown);
    this.countdown = null;
  }

  // The network is back, or somebody looks: don't sit the wait out.
  hurry() {
    if (this.countdown) this.connect();
  }
}
