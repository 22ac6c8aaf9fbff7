/*!
 * channels.WebSocketBridge: JSON over a WebSocket that reconnects, with streams.
 *
 *   const bridge = new channels.WebSocketBridge();
 *   bridge.connect("/chat/");
 *   bridge.listen((content) => console.log(content));
 *   bridge.demultiplex("likes", (payload, stream) => console.log(stream, payload));
 *   bridge.send({ hello: "world" });
 *   bridge.stream("likes").send({ action: "create", data: {} });
 *
 * The other end is a JsonWebsocketConsumer, or a WebsocketDemultiplexer. No build step, no
 * dependency: a <script> tag, an AMD loader or require() will do.
 */
(function (root, factory) {
  "use strict";
  if (typeof module === "object" && module.exports) {
    module.exports = factory(root);
  } else if (typeof define === "function" && define.amd) {
    define([], () => factory(root));
  } else {
    root.channels = Object.assign(root.channels || {}, factory(root));
  }
})(typeof globalThis === "object" ? globalThis : self, function (root) {
  "use strict";

  /** What connect() takes as its third argument, with the defaults. */
  const DEFAULTS = {
    /** The WebSocket class. */
    constructor: null,
    /** Milliseconds: the first pause before a reconnect is between this and twice this. */
    minReconnectionDelay: 1500,
    /** Milliseconds: no pause is longer. */
    maxReconnectionDelay: 10000,
    /** Each pause is so many times as long as the one before. */
    reconnectionDelayGrowFactor: 1.3,
    /** Milliseconds after which an attempt to connect is given up. */
    connectionTimeout: 4000,
    /** Reconnects in a row that may fail before it gives up. */
    maxRetries: Infinity,
    /** Messages that wait while the socket is not open; more than these are refused. */
    maxEnqueuedMessages: 1000,
    /** Whether to tell the console what happens. */
    debug: false,
  };

  const EVENTS = ["open", "message", "error", "close"];

  /**
   * A WebSocket that connects again whenever it has been closed, with longer and longer pauses.
   * What is sent while it isn't open waits until it is.
   *
   * Events: open, message, error and close, of each connection in turn; as attributes (onopen, ...)
   * or with addEventListener. An error event has a `code` if it comes from here: ETIMEDOUT,
   * EHOSTDOWN (no more retries) or EQUEUEFULL.
   */
  class ReconnectingWebSocket {
    constructor(url, protocols, options) {
      this.url = url;
      this.onopen = this.onmessage = this.onerror = this.onclose = null;
      this._protocols = protocols;
      this._options = { ...DEFAULTS, constructor: root.WebSocket, ...definedOnly(options) };
      if (typeof this._options.constructor !== "function") {
        throw new TypeError("There is no WebSocket here: pass one as options.constructor");
      }
      this._binaryType = "blob";
      this._listeners = new Map(EVENTS.map((type) => [type, []]));
      this._queue = [];
      this._retries = 0;
      this._delay = 0;
      this._nextDelayOnce = 0;
      this._isToStayClosed = false;
      this._connect();
    }

    get readyState() {
      return this._socket.readyState;
    }

    get bufferedAmount() {
      const waiting = this._queue.reduce((sum, data) => sum + sizeOf(data), 0);
      return this._socket.bufferedAmount + waiting;
    }

    get extensions() {
      return this._socket.extensions;
    }

    get protocol() {
      return this._socket.protocol;
    }

    get binaryType() {
      return this._binaryType;
    }

    set binaryType(type) {
      this._binaryType = type;
      this._socket.binaryType = type;
    }

    /** Send `data`, now or when the socket is open again. */
    send(data) {
      if (this._socket.readyState === ReconnectingWebSocket.OPEN) {
        this._socket.send(data);
      } else if (this._queue.length < this._options.maxEnqueuedMessages) {
        this._queue.push(data);
      } else {
        this._fail("EQUEUEFULL", "Too many messages wait for the socket to open");
      }
    }

    /**
     * Close the connection. Then connect again after the usual pause, unless `keepClosed`.
     *
     * `delay`: milliseconds to pause instead. `fastClose`: call the close listeners at once, not
     * when the server has answered.
     */
    close(code = 1000, reason = "", { keepClosed = false, fastClose = true, delay = 0 } = {}) {
      this._isToStayClosed = keepClosed;
      this._nextDelayOnce = delay;
      if (keepClosed) {
        clearTimeout(this._reconnectTimer);
        this._reconnectTimer = null;
      }
      const socket = this._socket;
      if (socket.readyState === ReconnectingWebSocket.CLOSED) {
        if (!keepClosed && !this._reconnectTimer) {
          this._scheduleReconnect();
        }
        return;
      }
      if (fastClose) {
        this._release(socket);
      }
      socket.close(code, reason);
      if (fastClose) {
        this._handleClose({ type: "close", code, reason, wasClean: true });
      }
    }

    addEventListener(type, listener, options) {
      const listeners = this._listeners.get(type) || [];
      if (listener && !listeners.some((entry) => entry.listener === listener)) {
        const isOnce = typeof options === "object" && options !== null && options.once;
        listeners.push({ listener, isOnce });
      }
    }

    removeEventListener(type, listener) {
      const listeners = this._listeners.get(type) || [];
      const index = listeners.findIndex((entry) => entry.listener === listener);
      if (index >= 0) {
        listeners.splice(index, 1);
      }
    }

    _connect() {
      this._log("connecting to", this.url);
      this._reconnectTimer = null;
      const { constructor: Socket, connectionTimeout } = this._options;
      const socket = this._protocols === undefined
        ? new Socket(this.url)
        : new Socket(this.url, this._protocols);
      socket.binaryType = this._binaryType;
      socket.onopen = (event) => this._handleOpen(event);
      socket.onmessage = (event) => this._emit("message", event);
      socket.onerror = (event) => this._emit("error", event);
      socket.onclose = (event) => this._handleClose(event);
      this._socket = socket;
      this._connectTimer = setTimeout(() => this._handleTimeout(socket), connectionTimeout);
    }

    /** Hear no more of a socket. */
    _release(socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.onerror = () => {};
    }

    _handleTimeout(socket) {
      this._release(socket);
      socket.close();
      this._fail("ETIMEDOUT", "Connection timeout");
      this._handleClose({ type: "close", code: 1006, reason: "timeout", wasClean: false });
    }

    _handleOpen(event) {
      this._log("open");
      clearTimeout(this._connectTimer);
      this._retries = 0;
      this._delay = 0;
      // First what "open" listeners send (who we are, what we follow), then what has waited.
      this._emit("open", event);
      this._queue.splice(0).forEach((data) => this.send(data));
    }

    _handleClose(event) {
      this._log("closed", event.code, event.reason);
      clearTimeout(this._connectTimer);
      if (!this._isToStayClosed) {
        this._scheduleReconnect();
      }
      this._emit("close", event);
    }

    _scheduleReconnect() {
      this._retries += 1;
      if (this._retries > this._options.maxRetries) {
        this._fail("EHOSTDOWN", "Too many failed connection attempts");
        return;
      }
      this._delay = this._nextDelay();
      const delay = this._nextDelayOnce || this._delay;
      this._nextDelayOnce = 0;
      this._log("connecting again in", delay, "ms");
      this._reconnectTimer = setTimeout(() => this._connect(), delay);
    }

    /** Random at first, so that not all clients of a server that has restarted come at once. */
    _nextDelay() {
      const options = this._options;
      if (!this._delay) {
        return options.minReconnectionDelay * (1 + Math.random());
      }
      const next = this._delay * options.reconnectionDelayGrowFactor;
      return Math.min(next, options.maxReconnectionDelay);
    }

    _fail(code, message) {
      this._log(code, message);
      this._emit("error", Object.assign(new Error(message), { type: "error", code }));
    }

    _emit(type, event) {
      const handler = this[`on${type}`];
      const entries = this._listeners.get(type).slice();
      entries.filter((entry) => entry.isOnce).forEach((entry) => {
        this.removeEventListener(type, entry.listener);
      });
      const functions = entries.map(({ listener }) =>
        typeof listener === "function" ? listener : listener.handleEvent.bind(listener));
      for (const call of handler ? [...functions, handler] : functions) {
        try {
          call.call(this, event);
        } catch (error) {
          setTimeout(() => { throw error; }); // reported as any listener's error; the others go on
        }
      }
    }

    _log(...parts) {
      if (this._options.debug) {
        console.log("WebSocketBridge:", ...parts);
      }
    }
  }

  const STATES = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 };
  Object.assign(ReconnectingWebSocket, STATES);
  Object.assign(ReconnectingWebSocket.prototype, STATES);

  function definedOnly(options) {
    const known = Object.entries(options || {}).filter(([name]) => name in DEFAULTS);
    return Object.fromEntries(known.filter(([, value]) => value !== undefined));
  }

  function sizeOf(data) {
    return data.byteLength ?? data.size ?? data.length;
  }

  /** JSON over a ReconnectingWebSocket, with a callback for each stream. */
  class WebSocketBridge {
    /** `options`: for every connect(), unless that gets some itself. */
    constructor(options) {
      /** The ReconnectingWebSocket, once connect() has been called. */
      this.socket = null;
      this.streams = {};
      this.default_cb = null;
      this.options = { ...options };
      this._isListening = false;
    }

    /**
     * Connect, and stay connected.
     *
     * `url`: of the socket, or its path on the page's own host; by default "/". `protocols`: one
     * subprotocol or a list. `options`: see DEFAULTS.
     */
    connect(url, protocols, options) {
      if (this.socket) {
        this.socket.close(1000, "", { keepClosed: true });
      }
      const all = { ...this.options, ...options };
      this.socket = new ReconnectingWebSocket(absoluteUrl(url), protocols, all);
      if (this._isListening) {
        this._listen();
      }
    }

    /** Call `cb(content, null)` with each message that is on no stream; streams get theirs too. */
    listen(cb) {
      this.default_cb = cb;
      this._isListening = true;
      if (this.socket) {
        this._listen();
      }
    }

    /** Call `cb(payload, stream)` with each message on `stream`. */
    demultiplex(stream, cb) {
      this.streams[stream] = cb;
    }

    /** Send `msg` as JSON. */
    send(msg) {
      this._connected().send(JSON.stringify(msg));
    }

    /** Return an object whose send(payload) sends on `stream`. */
    stream(stream) {
      return {
        send: (payload) => this._connected().send(JSON.stringify({ stream, payload })),
      };
    }

    _connected() {
      if (!this.socket) {
        throw new Error("This WebSocketBridge has no socket yet: call connect() first");
      }
      return this.socket;
    }

    _listen() {
      this.socket.onmessage = (event) => this._dispatch(JSON.parse(event.data));
    }

    _dispatch(content) {
      const stream = content?.stream;
      if (stream === undefined) {
        this.default_cb?.(content, null);
      } else if (Object.prototype.hasOwnProperty.call(this.streams, stream)) {
        this.streams[stream]?.(content.payload, stream);
      }
    }
  }

  function absoluteUrl(url) {
    if (url !== undefined && url[0] !== "/") {
      return url;
    }
    const { protocol, host } = root.location;
    return `${protocol === "https:" ? "wss" : "ws"}://${host}${url ?? ""}`;
  }

  return { WebSocketBridge, ReconnectingWebSocket };
});
