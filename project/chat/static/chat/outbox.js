// What was typed and is not yet seen back from the server. It is sent again until it is: after a
// reconnect, and if no answer comes. The server keeps only one message per key.

const ANSWER_WITHIN_MS = 10_000;

export class Outbox {
  // `send(text)`: returns whether it could be sent.
  constructor(send) {
    this.send = send;
    this.waiting = new Map();
    setInterval(() => this.flush(ANSWER_WITHIN_MS), 2_000);
  }

  add(text) {
    // crypto.randomUUID exists on https and localhost only; a phone on the LAN has neither.
    const key = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.waiting.set(key, { text, sentAt: 0 });
    this.flush(ANSWER_WITHIN_MS);
    return key;
  }

  done(key) {
    this.waiting.delete(key);
  }

  // Send, in order, what has waited for an answer for at least `patienceMs`.
  flush(patienceMs = 0) {
    for (const [key, entry] of this.waiting) {
      if (entry.sentAt && Date.now() - entry.sentAt < patienceMs) continue;
      if (!this.send(JSON.stringify({ type: "say", text: entry.text, key }))) return;
      entry.sentAt = Date.now();
    }
  }
}
