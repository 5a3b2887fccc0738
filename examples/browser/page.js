// An app of its own writes `from "@dit/service"`, and its bundler does the rest.
// @ts-ignore: the service bundles client.js when it starts
import { browserStorage, DitClient, IndexedDbStorage, LocalStorage } from "./client.js";
import { showEvent, showInspection, showRequest } from "./view.js";

// Another origin's page says where the service is: #endpoint=https://telemetry.example, or with two hosts
// #issue-endpoint=https://tokens.example&log-endpoint=https://logs.example
const said = new URLSearchParams(location.hash.slice(1));
const [issueEndpoint, logEndpoint] = [said.get("issue-endpoint"), said.get("log-endpoint")];
const place = issueEndpoint !== null && logEndpoint !== null
  ? { issueEndpoint, logEndpoint }
  : { endpoint: said.get("endpoint") ?? location.origin };
const element = (id) => document.getElementById(id);
const offline = element("offline");

/** Asks the app's own server, here the one of development, for a session. Only token requests carry it. */
async function session() {
  const body = JSON.stringify({ client: crypto.randomUUID(), app: "demo" });
  const response = await fetch("/dev/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  return (await response.json()).jwt;
}

/** Sends what the client sends, shows it, and loses it while the app's switch says offline. */
async function shownFetch(url, init) {
  if (offline.checked) throw new TypeError("The page is offline");
  const shown = await showRequest(url, init);
  try {
    const response = await fetch(url, init);
    shown.answered(response.status);
    return response;
  } catch (error) {
    shown.answered(undefined);
    throw error;
  }
}

const storage = await browserStorage("dit-example");
const client = new DitClient({
  ...place,
  app: "demo",
  session,
  storage,
  fetch: shownFetch,
  delaySeconds: 10,
});

async function refresh() {
  showInspection(await client.inspect(), offline.checked);
}

for (const name of ["sent", "dropped", "issued", "refused", "key_replaced", "stopped"]) {
  client.on(name, (event) => {
    showEvent(name, event);
    void refresh();
  });
}

// What it measures.
function logPageView() {
  client.log("page_view", {
    load_ms: performance.getEntriesByType("navigation")[0]?.domContentLoadedEventEnd ?? 0,
    colours: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light",
  });
  void refresh();
}

// Of a crash only that it happened leaves the page: neither a message nor a stack.
function logCrash(kind) {
  client.log("page_crash", { kind, uptime_s: performance.now() / 1000 });
  void refresh();
}
addEventListener("error", () => logCrash("error"));
addEventListener("unhandledrejection", () => logCrash("rejection"));

// The switch of a tab outlives a reload, where the browser lets it.
const SWITCH = "offline";
try {
  offline.checked = sessionStorage.getItem(SWITCH) === "1";
} catch {
  // Storage is denied: the page starts online.
}
offline.addEventListener("change", () => {
  try {
    if (offline.checked) sessionStorage.setItem(SWITCH, "1");
    else sessionStorage.removeItem(SWITCH);
  } catch {
    // As above.
  }
  void refresh();
});

element("log").addEventListener("click", logPageView);
element("crash").addEventListener("click", () => {
  throw new Error("Somebody pressed Crash");
});
element("flush").addEventListener("click", async ({ currentTarget: button }) => {
  button.setAttribute("aria-busy", "true");
  await client.flush();
  await refresh();
  button.removeAttribute("aria-busy");
});
element("reset").addEventListener("click", () => client.resetPseudonym().then(refresh));
element("opt-out").addEventListener("click", () => client.setOptOut(true).then(refresh));
element("opt-in").addEventListener("click", () => client.setOptOut(false).then(refresh));

element("storage").textContent = storage instanceof IndexedDbStorage
  ? "IndexedDB"
  : storage instanceof LocalStorage
  ? "localStorage"
  : "memory only";

await refresh();
// Another tab may have changed what both share.
setInterval(() => document.visibilityState === "visible" && refresh(), 1_000);
document.documentElement.dataset.ready = "true";
