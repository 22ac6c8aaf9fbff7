/** A page without a browser: the script, a WebSocket that does what a test says, and a clock. */
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const SCRIPT = path.join(__dirname, "../../../channels/static/channels/js/websocketbridge.js");

class Clock {
  constructor() {
    this.now = 0;
    this.errors = [];
    this.timers = [];
  }

  setTimeout(call, delay = 0) {
    const timer = { call, at: this.now + delay };
    this.timers.push(timer);
    return timer;
  }

  clearTimeout(timer) {
    this.timers = this.timers.filter((other) => other !== timer);
  }

  /** Let `ms` pass. What timers throw is kept in `errors`, as a page reports it to its console. */
  pass(ms) {
    const end = this.now + ms;
    for (;;) {
      const next = this.timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.now = next.at;
      this.clearTimeout(next);
      try {
        next.call();
      } catch (error) {
        this.errors.push(error);
      }
    }
    this.now = end;
  }
}

class FakeWebSocket {
  constructor(url, protocols) {
    Object.assign(this, { url, protocols, readyState: 0, sent: [], bufferedAmount: 0 });
    this.extensions = "permessage-deflate";
    this.protocol = "chosen";
    FakeWebSocket.all.push(this);
  }

  send(data) {
    if (this.readyState !== 1) throw new Error("InvalidStateError");
    this.sent.push(data);
  }

  close(code, reason) {
    this.closedWith = [code, reason];
    if (this.readyState < 2) this.readyState = 2;
  }

  // -- what a test makes happen ------------------------------------------------------------------

  open() {
    this.readyState = 1;
    this.onopen?.({ type: "open" });
  }

  receive(data) {
    this.onmessage?.({ type: "message", data });
  }

  drop(code = 1006) {
    this.readyState = 3;
    this.onclose?.({ type: "close", code, reason: "", wasClean: false });
  }
}

/** Return {channels, sockets, clock, console}: a page at `location` that has loaded the script. */
function makePage({ location = { protocol: "http:", host: "example.com" }, random = 0 } = {}) {
  FakeWebSocket.all = [];
  const clock = new Clock();
  const lines = [];
  const page = {
    location,
    WebSocket: FakeWebSocket,
    setTimeout: (call, ms) => clock.setTimeout(call, ms),
    clearTimeout: (timer) => clock.clearTimeout(timer),
    console: { log: (...parts) => lines.push(parts) },
  };
  vm.createContext(page);
  vm.runInContext(`Math.random = () => ${random};`, page);
  vm.runInContext(fs.readFileSync(SCRIPT, "utf8"), page, { filename: SCRIPT });
  return { page, channels: page.channels, sockets: FakeWebSocket.all, clock, lines };
}

module.exports = { SCRIPT, FakeWebSocket, makePage };
