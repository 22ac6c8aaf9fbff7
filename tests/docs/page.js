// What a browser has and Node has not: put before each script of the documentation.
const channels = require("./channels/static/channels/js/websocketbridge.js");
globalThis.location = { protocol: "https:", host: "example.com" };
globalThis.WebSocket = class {
  constructor(url) {
    this.url = url;
    this.readyState = 0;
    globalThis.opened = this;
    setTimeout(() => process.exit(0), 50); // the bridge would wait for ever
  }
  send() {}
  close() {}
};
globalThis.document = {
  getElementById: () => ({ textContent: "", append() {}, addEventListener() {} }),
};
