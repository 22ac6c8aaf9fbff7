// Trying again: how long to wait before it, and asking until there is an answer.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
// The longest that a Retry-After is believed.
const LONGEST_ASKED_FOR_S = 60;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Milliseconds to wait after so many failures in a row, and what the last response asks for on top.
export function waitAfter(failures, response = null) {
  const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
  const askedForS = Number(response?.headers.get("Retry-After")) || 0; // a date is not looked at
  // A random part keeps a thousand pages from coming back in the same instant.
  return Math.min(Math.max(askedForS, 0), LONGEST_ASKED_FOR_S) * 1_000 + longest * (0.5 + Math.random() / 2);
}

// GET JSON, again until it works; null once `signal` is aborted.
export async function askUntilAnswered(url, signal) {
  for (let failures = 1; !signal.aborted; failures++) {
    const response = await fetch(url, { signal }).catch(() => null);
    const answer = response?.ok ? await response.json().catch(() => null) : null;
    if (answer && !signal.aborted) return answer;
    await sleep(waitAfter(failures, response));
  }
  return null;
}
