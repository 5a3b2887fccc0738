// What the page shows; nothing of it is needed to use the client.

const MAX_ENTRIES = 30;
const element = (id) => document.getElementById(id);

/** What an event of the client says, in words. */
const WORDS = {
  sent: ({ events, replayed }) =>
    `${count(events, "event")} arrived${replayed ? ": it was there already, and was not counted twice" : ""}`,
  dropped: ({ events, reason }) => `${count(events, "event")} will not be sent (${reason})`,
  issued: ({ tokens }) => `${count(tokens, "token")} signed blindly, the proof verified`,
  refused: ({ step, code }) => `${step}: ${code}`,
  key_replaced: ({ region, epoch, generation }) => `${region}, epoch ${epoch}, generation ${generation}`,
  stopped: ({ reason }) => reason,
};

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** An element with texts or elements in it. */
function make(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** Puts an entry on top of a list. */
function prepend(list, entry) {
  element(list).prepend(entry);
  element(`${list}-empty`).hidden = true;
  while (element(list).childElementCount > MAX_ENTRIES) element(list).lastElementChild.remove();
}

function time() {
  return make("time", "", new Date().toLocaleTimeString());
}

/** Shows an event of the client. */
export function showEvent(name, event) {
  prepend("events", make("li", "", time(), make("b", name, name), " ", WORDS[name](event)));
}

/** An event as it goes out. */
function eventEntry(event, note) {
  const { name, at, fields } = event;
  return make(
    "li",
    "",
    make("span", "muted note", note),
    make("b", "", name),
    make("code", "", JSON.stringify({ name, at, fields })),
  );
}

let shown = "";

/** Shows what `client.inspect()` gives. */
export function showInspection(inspection, isOffline) {
  const optedOut = inspection === undefined;
  const { pseudonym = "", usesLeft = 0, waiting = [], bound = [] } = inspection ?? {};
  element("state").textContent = optedOut ? "opted out" : isOffline ? "offline" : "online";
  element("state").className = optedOut || isOffline ? "bad" : "good";
  element("uses").textContent = String(usesLeft);
  element("pseudonym").textContent = pseudonym || "none";
  element("opt-in").hidden = !optedOut;
  for (const id of ["opt-out", "reset", "log", "crash", "flush"]) element(id).disabled = optedOut;
  const entries = [
    ...bound.flatMap(({ events, uncertain }) =>
      events.map((event) => [event, uncertain ? "sent, not confirmed" : "bound to a token"])
    ),
    ...waiting.map((event) => [event, "waits"]),
  ];
  const text = JSON.stringify(entries);
  if (text === shown) return;
  shown = text;
  element("queue").replaceChildren(...entries.map(([event, note]) => eventEntry(event, note)));
  element("queue-empty").hidden = entries.length > 0;
  element("queued-count").textContent = String(entries.length);
}

/** Shows a request as it leaves; gives the function that adds the status of its answer. */
export async function showRequest(url, { method = "GET", headers = {}, body }) {
  const status = make("span", "muted", "on its way");
  const path = new URL(url).pathname;
  const summary = make("summary", "", time(), make("b", "", method), ` ${path} `, status);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const text = [...lines, ...(body === undefined ? [] : ["", await bodyText(headers, body)])].join("\n");
  const details = make("details", "", summary, make("pre", "", text || "No header, no body."));
  prepend("requests", make("li", "", details));
  return {
    answered(code) {
      status.textContent = code === undefined ? "no answer" : String(code);
      status.className = code >= 200 && code < 400 ? "sent" : "refused";
    },
  };
}

/** A body for people: JSON without its padding, or how many bytes there are. */
async function bodyText(headers, body) {
  if (headers["content-type"] !== "application/json") return `(${body.length} bytes)`;
  let stream = new Blob([body]).stream();
  if (headers["content-encoding"] === "gzip") stream = stream.pipeThrough(new DecompressionStream("gzip"));
  const message = JSON.parse(await new Response(stream).text());
  if (message.pad) {
    message.pad = `(${message.pad.length} characters, so that all bodies have the same few sizes)`;
  }
  return JSON.stringify(message, null, 2);
}
