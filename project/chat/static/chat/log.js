// What was said, on the page: kept in the order of ids, each message once, what is pending at the end.

import { element } from "../site/page.js";

const GROUPED_WITHIN_MS = 5 * 60_000;
const ONLY_EMOJI = /^(?:\p{Extended_Pictographic}|\p{Emoji_Component}|\s){1,12}$/u;
const LINK = /https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g;

export function avatar(name) {
  const made = element("span", "avatar", [...name][0]?.toUpperCase() ?? "?");
  let number = 0;
  for (const character of name) number = (number * 31 + character.codePointAt(0)) % 65_521;
  made.style.setProperty("--hue", Math.round(number * 137.5) % 360);
  made.setAttribute("aria-hidden", "true");
  return made;
}

function linked(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const link = element("a", "", match[0]);
    Object.assign(link, { href: match[0], rel: "noopener nofollow", target: "_blank" });
    parts.push(text.slice(end, match.index), link);
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)];
}

function isOnlyEmoji(text) {
  return ONLY_EMOJI.test(text) && /\p{Extended_Pictographic}/u.test(text);
}

export class MessageLog {
  constructor(container, me, endButton) {
    this.container = container;
    this.me = me;
    this.endButton = endButton;
    this.ids = new Set();
    this.lastId = 0;
    this.firstId = Infinity;
    endButton.addEventListener("click", () => this.scrollToEnd());
    container.addEventListener("scroll", () => this.isAtEnd() && (endButton.hidden = true));
  }

  isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.container;
    return scrollHeight - scrollTop - clientHeight < 60;
  }

  scrollToEnd() {
    this.container.scrollTop = this.container.scrollHeight;
    this.endButton.hidden = true;
  }

  // Add messages (from the server, or pending ones without an id); known ones are left as they are.
  add(messages) {
    const wasAtEnd = this.isAtEnd();
    const heightBefore = this.container.scrollHeight;
    const isOlder = messages.length && messages.at(-1).id < this.firstId && this.ids.size;
    const fresh = messages.filter((message) => this.place(message));
    if (!fresh.length) return;
    this.container.querySelector(".empty")?.remove();
    this.regroup();
    if (isOlder) this.container.scrollTop += this.container.scrollHeight - heightBefore;
    else if (wasAtEnd || fresh.at(-1).author === this.me) this.scrollToEnd();
    else this.endButton.hidden = false;
  }

  place(message) {
    if (message.id) {
      if (this.ids.has(message.id)) return false;
      this.ids.add(message.id);
      this.lastId = Math.max(this.lastId, message.id);
      this.firstId = Math.min(this.firstId, message.id);
      this.findPending(message)?.remove();
    }
    const row = this.render(message);
    this.container.insertBefore(row, message.id ? this.successorOf(message.id) : null);
    return true;
  }

  findPending({ author, key }) {
    if (author !== this.me) return null;
    return this.container.querySelector(`.pending[data-key="${CSS.escape(key)}"]`);
  }

  successorOf(id) {
    for (let row = this.container.lastElementChild, next = null; ; row = row.previousElementSibling) {
      if (!row) return next;
      if (row.matches(".pending")) next = row;
      else if (row.dataset.id && Number(row.dataset.id) < id) return next ?? row.nextElementSibling;
      else if (row.dataset.id) next = row;
    }
  }

  render(message) {
    const at = new Date(message.at);
    const time = element("time", "", at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
    time.dateTime = message.at;
    time.title = at.toLocaleString();
    const byline = element("div", "byline", element("b", "", message.author), " ", time);
    const bubble = element("div", "bubble", ...linked(message.text));
    bubble.dir = "auto";
    const row = element("article", "message", avatar(message.author), byline, bubble);
    row.dataset.author = message.author;
    row.dataset.at = at.getTime();
    row.dataset.key = message.key ?? "";
    if (message.id) row.dataset.id = message.id;
    row.classList.toggle("own", message.author === this.me && !message.announcement);
    row.classList.toggle("pending", !message.id);
    row.classList.toggle("announcement", Boolean(message.announcement));
    row.classList.toggle("big", isOnlyEmoji(message.text));
    return row;
  }

  // Name the day where it changes, and draw what one person says in a row as one block.
  regroup() {
    this.container.querySelectorAll(".day").forEach((day) => day.remove());
    let previous = null;
    for (const row of this.container.querySelectorAll(".message")) {
      const isNewDay = !previous || this.dayOf(previous) !== this.dayOf(row);
      if (isNewDay) row.before(element("div", "day", this.dayOf(row)));
      const follows = !isNewDay && this.belongTogether(previous, row);
      row.classList.toggle("follows", follows);
      previous?.classList.toggle("followed", follows);
      row.classList.remove("followed");
      previous = row;
    }
  }

  dayOf(row) {
    return new Date(Number(row.dataset.at)).toLocaleDateString([], { day: "numeric", month: "long", year: "numeric" });
  }

  belongTogether(first, second) {
    const isPlain = ![first, second].some((row) => row.matches(".announcement"));
    const isAdjacent = first.nextElementSibling === second;
    const gap = second.dataset.at - first.dataset.at;
    return isPlain && isAdjacent && first.dataset.author === second.dataset.author && gap < GROUPED_WITHIN_MS;
  }

  // A line that nobody said: it is not kept.
  note(text, className = "") {
    const wasAtEnd = this.isAtEnd();
    this.container.querySelector(".empty")?.remove();
    this.container.append(element("div", `notice ${className}`, text));
    if (wasAtEnd) this.scrollToEnd();
  }
}
