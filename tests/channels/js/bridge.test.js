"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { test } = require("node:test");
const vm = require("node:vm");

const { SCRIPT, FakeWebSocket, makePage } = require("./page.js");

/** A bridge whose socket is open. */
function open(options) {
  const made = makePage();
  const bridge = new made.channels.WebSocketBridge();
  bridge.connect("/ws/", undefined, options);
  made.sockets[0].open();
  return { ...made, bridge };
}

const plain = (value) => JSON.parse(JSON.stringify(value));

// -- loading -------------------------------------------------------------------------------------

test("a script tag gives a global and keeps what is there", () => {
  const { page } = makePage();
  assert.equal(typeof page.channels.WebSocketBridge, "function");
  page.channels.mine = 1;
  vm.runInContext(fs.readFileSync(SCRIPT, "utf8"), page);
  assert.equal(page.channels.mine, 1);
});

test("require gives the same", () => {
  const { WebSocketBridge } = require(SCRIPT);
  assert.equal(typeof new WebSocketBridge().connect, "function");
  assert.equal(globalThis.channels, undefined);
});

test("an AMD loader gives the same", () => {
  const page = { location: {}, WebSocket: FakeWebSocket };
  page.define = (names, factory) => { page.module_ = factory(); };
  page.define.amd = {};
  vm.createContext(page);
  vm.runInContext(fs.readFileSync(SCRIPT, "utf8"), page);
  assert.equal(typeof page.module_.WebSocketBridge, "function");
  assert.equal(page.channels, undefined);
});

// -- the bridge ----------------------------------------------------------------------------------

const URLS = [
  ["http:", undefined, "ws://example.com"],
  ["https:", undefined, "wss://example.com"],
  ["http:", "/chat/?a=1", "ws://example.com/chat/?a=1"],
  ["https:", "/chat/", "wss://example.com/chat/"],
  ["https:", "ws://other.example/x", "ws://other.example/x"],
];
for (const [protocol, given, expected] of URLS) {
  test(`on a page of ${protocol} ${given} means ${expected}`, () => {
    const { channels, sockets } = makePage({ location: { protocol, host: "example.com" } });
    new channels.WebSocketBridge().connect(given, ["a", "b"]);
    assert.equal(sockets[0].url, expected);
    assert.deepEqual(sockets[0].protocols, ["a", "b"]);
  });
}

test("listen gets what is on no stream, and streams get theirs", () => {
  const { bridge, sockets } = open();
  const heard = [];
  bridge.listen((content, stream) => heard.push(["default", plain(content), stream]));
  bridge.demultiplex("one", (payload, stream) => heard.push(["one", plain(payload), stream]));
  for (const content of [{ n: 1 }, { stream: "one", payload: { n: 2 } }, [3], 4, null, "five",
    { stream: "two", payload: {} }, { stream: "toString", payload: {} }]) {
    sockets[0].receive(JSON.stringify(content));
  }
  assert.deepEqual(heard, [
    ["default", { n: 1 }, null],
    ["one", { n: 2 }, "one"],
    ["default", [3], null],
    ["default", 4, null],
    ["default", null, null],
    ["default", "five", null],
  ]);
});

test("listen without a callback still feeds the streams", () => {
  const { bridge, sockets } = open();
  const heard = [];
  bridge.listen();
  bridge.demultiplex("one", (payload) => heard.push(plain(payload)));
  sockets[0].receive('{"n": 1}');
  sockets[0].receive('{"stream": "one", "payload": {"n": 2}}');
  assert.deepEqual(heard, [{ n: 2 }]);
});

test("listen may come before connect", () => {
  const { channels, sockets } = makePage();
  const bridge = new channels.WebSocketBridge();
  const heard = [];
  bridge.listen((content) => heard.push(plain(content)));
  bridge.connect("/");
  sockets[0].open();
  sockets[0].receive('{"n": 1}');
  assert.deepEqual(heard, [{ n: 1 }]);
});

test("send and stream send JSON", () => {
  const { bridge, sockets } = open();
  bridge.send({ a: 1 });
  bridge.stream("one").send({ b: 2 });
  assert.deepEqual(sockets[0].sent, ['{"a":1}', '{"stream":"one","payload":{"b":2}}']);
});

test("sending before connect says what to do", () => {
  const { channels } = makePage();
  const bridge = new channels.WebSocketBridge();
  assert.throws(() => bridge.send({}), /call connect\(\) first/);
  assert.throws(() => bridge.stream("one").send({}), /call connect\(\) first/);
});

test("a frame that is not JSON is reported and the next one is heard", () => {
  const { bridge, sockets, clock } = open();
  const heard = [];
  bridge.listen((content) => heard.push(plain(content)));
  sockets[0].receive("nonsense");
  sockets[0].receive("1");
  clock.pass(0);
  assert.deepEqual(heard, [1]);
  assert.equal(clock.errors[0].name, "SyntaxError");
});

test("connecting again closes the first socket for good", () => {
  const { bridge, sockets, clock } = open();
  const heard = [];
  bridge.listen((content) => heard.push(plain(content)));
  bridge.connect("/other/");
  clock.pass(3_000);
  assert.equal(sockets[0].readyState, 2);
  assert.equal(sockets[1].url, "ws://example.com/other/");
  sockets[1].open();
  sockets[1].receive("1");
  assert.deepEqual(heard, [1]);
});

test("options of the bridge hold for every connect that gives none", () => {
  const { channels, sockets, clock } = makePage();
  const bridge = new channels.WebSocketBridge({ minReconnectionDelay: 10 });
  bridge.connect("/");
  sockets[0].drop();
  clock.pass(9);
  assert.equal(sockets.length, 1);
  clock.pass(1);
  assert.equal(sockets.length, 2);
});

// -- reconnecting --------------------------------------------------------------------------------

test("it connects again, each time after a longer pause, up to a limit", () => {
  const { sockets, clock } = open();
  const pauses = [];
  for (let n = 0; n < 12; n += 1) {
    sockets.at(-1).drop();
    const count = sockets.length;
    let waited = 0;
    while (sockets.length === count) {
      clock.pass(50);
      waited += 50;
    }
    pauses.push(waited);
  }
  assert.deepEqual(pauses.slice(0, 3), [1500, 1950, 2550]);
  assert.equal(pauses.at(-1), 10_000);
  sockets.at(-1).open();
  sockets.at(-1).drop();
  clock.pass(1500);
  assert.equal(sockets.length, 14);
});

test("the first pause is random, so that not all clients come at once", () => {
  const { channels, sockets, clock } = makePage({ random: 0.5 });
  new channels.WebSocketBridge().connect("/");
  sockets[0].drop();
  clock.pass(2249);
  assert.equal(sockets.length, 1);
  clock.pass(1);
  assert.equal(sockets.length, 2);
});

test("an attempt that takes too long is given up and made again", () => {
  const { channels, sockets, clock } = makePage();
  const bridge = new channels.WebSocketBridge();
  bridge.connect("/", undefined, { connectionTimeout: 100 });
  const events = [];
  bridge.socket.onerror = (error) => events.push(error.code);
  bridge.socket.onclose = (event) => events.push(event.code);
  clock.pass(100);
  assert.deepEqual(events, ["ETIMEDOUT", 1006]);
  assert.equal(sockets[0].readyState, 2);
  sockets[0].drop(); // the browser's own close event, later, counts no more
  clock.pass(1500);
  assert.equal(sockets.length, 2);
  sockets[1].open();
  clock.pass(200);
  assert.equal(sockets.length, 2);
});

test("after maxRetries it gives up with an error", () => {
  const { channels, sockets, clock } = makePage();
  const bridge = new channels.WebSocketBridge();
  bridge.connect("/", undefined, { maxRetries: 2 });
  const codes = [];
  bridge.socket.addEventListener("error", (error) => codes.push(error.code));
  for (let n = 0; n < 3; n += 1) {
    sockets.at(-1).drop();
    clock.pass(10_000 - 6_000);
  }
  assert.deepEqual(codes, ["EHOSTDOWN"]);
  assert.equal(sockets.length, 3);
});

test("listeners outlive the connection they were added on", () => {
  const { bridge, sockets, clock } = open();
  const heard = [];
  const listener = (event) => heard.push(event.type);
  const object = { handleEvent(event) { heard.push(`object ${event.type}`); } };
  bridge.socket.addEventListener("open", listener);
  bridge.socket.addEventListener("open", listener);
  bridge.socket.addEventListener("close", object);
  bridge.socket.addEventListener("open", () => heard.push("once"), { once: true });
  bridge.socket.onopen = () => heard.push("onopen");
  for (let n = 0; n < 2; n += 1) {
    sockets.at(-1).drop();
    clock.pass(1500);
    sockets.at(-1).open();
  }
  bridge.socket.removeEventListener("open", listener);
  bridge.socket.removeEventListener("close", object);
  sockets.at(-1).drop();
  clock.pass(1500);
  sockets.at(-1).open();
  assert.deepEqual(heard, ["object close", "open", "once", "onopen",
    "object close", "open", "onopen", "onopen"]);
});

test("a listener that throws does not stop the others", () => {
  const { bridge, sockets, clock } = open();
  const heard = [];
  bridge.socket.addEventListener("close", () => { throw new Error("theirs"); });
  bridge.socket.onclose = () => heard.push("close");
  sockets[0].drop();
  clock.pass(1500);
  assert.deepEqual(heard, ["close"]);
  assert.equal(clock.errors[0].message, "theirs");
  assert.equal(sockets.length, 2);
});

// -- what is sent while it is not open -----------------------------------------------------------

test("what is sent while it is not open waits, and goes out in order", () => {
  const { channels, sockets, clock } = makePage();
  const bridge = new channels.WebSocketBridge();
  bridge.connect("/");
  bridge.send(1);
  bridge.socket.addEventListener("open", () => bridge.send(2));
  sockets[0].open();
  assert.deepEqual(sockets[0].sent, ["2", "1"]);
  sockets[0].drop();
  bridge.send(3);
  bridge.send(4);
  assert.equal(bridge.socket.bufferedAmount, 2);
  clock.pass(1500);
  sockets[1].open();
  assert.deepEqual(sockets[1].sent, ["2", "3", "4"]);
  assert.equal(bridge.socket.bufferedAmount, 0);
});

test("no more than maxEnqueuedMessages wait", () => {
  const { channels, sockets } = makePage();
  const bridge = new channels.WebSocketBridge();
  bridge.connect("/", undefined, { maxEnqueuedMessages: 2 });
  const codes = [];
  bridge.socket.onerror = (error) => codes.push(error.code);
  [1, 2, 3].forEach((n) => bridge.send(n));
  sockets[0].open();
  assert.deepEqual([sockets[0].sent, codes], [["1", "2"], ["EQUEUEFULL"]]);
});

// -- closing -------------------------------------------------------------------------------------

test("keepClosed closes it for good", () => {
  const { bridge, sockets, clock } = open();
  const events = [];
  bridge.socket.onclose = (event) => events.push([event.code, event.reason, event.wasClean]);
  bridge.socket.close(4001, "bye", { keepClosed: true });
  sockets[0].drop(4001);
  clock.pass(60_000);
  assert.deepEqual(events, [[4001, "bye", true]]);
  assert.deepEqual(sockets[0].closedWith, [4001, "bye"]);
  assert.equal(sockets.length, 1);
});

test("keepClosed stops a reconnect that is on its way", () => {
  const { bridge, sockets, clock } = open();
  sockets[0].drop();
  bridge.socket.close(1000, "", { keepClosed: true });
  clock.pass(60_000);
  assert.equal(sockets.length, 1);
});

test("close without keepClosed connects again, after `delay` if that is given", () => {
  const { bridge, sockets, clock } = open();
  bridge.socket.close();
  clock.pass(1500);
  assert.equal(sockets.length, 2);
  sockets[1].open();
  bridge.socket.close(1000, "", { delay: 7 });
  clock.pass(7);
  assert.equal(sockets.length, 3);
});

test("without fastClose the server's answer is waited for", () => {
  const { bridge, sockets, clock } = open();
  const events = [];
  bridge.socket.onclose = (event) => events.push(event.code);
  bridge.socket.close(1000, "", { keepClosed: true, fastClose: false });
  assert.deepEqual(events, []);
  sockets[0].drop(1000);
  clock.pass(60_000);
  assert.deepEqual([events, sockets.length], [[1000], 1]);
});

// -- a WebSocket, to the page --------------------------------------------------------------------

test("it has the attributes of a WebSocket", () => {
  const { bridge, sockets, clock } = open();
  const { socket } = bridge;
  assert.deepEqual(
    [socket.readyState, socket.OPEN, socket.protocol, socket.extensions, socket.binaryType],
    [1, 1, "chosen", "permessage-deflate", "blob"]);
  socket.binaryType = "arraybuffer";
  sockets[0].drop();
  assert.equal(socket.readyState, socket.CLOSED);
  clock.pass(1500);
  assert.equal(sockets[1].binaryType, "arraybuffer");
  assert.equal(socket.url, "ws://example.com/ws/");
});

test("without a WebSocket class it says so", () => {
  const { page, channels } = makePage();
  page.WebSocket = undefined;
  const bridge = new channels.WebSocketBridge();
  assert.throws(() => bridge.connect("/"), /pass one as options.constructor/);
  bridge.connect("/", undefined, { constructor: FakeWebSocket });
  assert.equal(bridge.socket.readyState, 0);
});

test("debug tells the console", () => {
  const { lines } = open({ debug: true });
  assert.deepEqual(lines.map((parts) => parts[1]), ["connecting to", "open"]);
  assert.equal(open().lines.length, 0);
});
