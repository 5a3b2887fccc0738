// The real client, played from afar: asks the control server for commands and tells it what came of each. The same
// module runs in Deno, Node and a page: `player.mjs {control}`.
import { DitClient, MemoryStorage } from "@dit/client";
import { localDpReport } from "@dit/client/local_dp";

const NAMES = [
  ...[
    "sent",
    "dropped",
    "left_out",
    "issued",
    "refused",
    "key_replaced",
    "keys_forked",
    "endpoints_changed",
    "stopped",
  ],
];

/** What was thrown at nobody. */
const thrown = [];
globalThis.addEventListener?.("unhandledrejection", (event) => {
  event.preventDefault();
  thrown.push(String(event.reason?.stack ?? event.reason));
});
globalThis.process?.on?.("unhandledRejection", (reason) => thrown.push(String(reason?.stack ?? reason)));

/** What the client waits for an answer, and how long it waits here: a tenth. */
const PATIENCE_MS = 30_000;
const { setTimeout } = globalThis;
globalThis.setTimeout = (work, delay, ...more) =>
  setTimeout(work, delay === PATIENCE_MS ? PATIENCE_MS / 10 : delay, ...more);

const clients = new Map();

function make(kept, options) {
  kept.client = new DitClient({
    app: "notes",
    delaySeconds: 2_000_000, // Nothing is sent before a command says so.
    session: async () => await (await fetch(`${kept.url}/session`)).text(),
    now: () => kept.now,
    storage: kept.storage,
    localDp: localDpReport,
    ...options,
  });
  for (const name of NAMES) kept.client.on(name, (event) => kept.told.push([name, event]));
}

const commands = {
  make({ id, url, now, options }) {
    const kept = { url, now, told: [], storage: new MemoryStorage(), options };
    clients.set(id, kept);
    make(kept, options);
  },
  clock: ({ id, now }) => {
    clients.get(id).now = now;
  },
  log({ id, events }) {
    for (const fields of events) clients.get(id).client.log("counted", fields);
  },
  flush: ({ id }) => clients.get(id).client.flush(),
  inspect: ({ id }) => clients.get(id).client.inspect(),
  resetPseudonym: ({ id }) => clients.get(id).client.resetPseudonym(),
  async restart({ id }) {
    const kept = clients.get(id);
    await kept.client.close();
    make(kept, kept.options);
  },
  stored: ({ id }) =>
    clients.get(id).storage.transaction((entries) =>
      Object.fromEntries(entries.keys("").map((key) => [key, entries.get(key)]))
    ),
  told: ({ id }) => ({ told: clients.get(id).told, thrown }),
  async close({ id }) {
    await clients.get(id).client.close();
    clients.delete(id);
  },
};

/** Does what the control server says until it says no more. */
export async function play(control) {
  for (;;) {
    const command = await (await fetch(`${control}/next`)).json();
    if (command === null) return;
    void perform(command).then((result) =>
      fetch(`${control}/result`, {
        method: "POST",
        body: JSON.stringify({ number: command.number, ...result }),
      })
    );
  }
}

async function perform(command) {
  try {
    return { value: await commands[command.name](command) };
  } catch (error) {
    return { error: String(error?.stack ?? error) };
  }
}

const control = globalThis.process?.argv?.[2] ?? globalThis.location.origin;
await play(control);
