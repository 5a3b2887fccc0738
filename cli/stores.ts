// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task stores list` shows which store each application belongs to;
 * `deno task stores unpin --app X [--store ID] [--reason "..."] --yes` lets another one take its place.
 *
 * @module
 */
import type { StorePin } from "../core/acs/store_pins.ts";
import { callAdmin, CommandError } from "./admin_api.ts";
import { runCommand } from "./command.ts";
import { subcommand } from "./subcommand.ts";
import { APP, JSON_OUTPUT, YES } from "./options.ts";
import { printJson } from "./output.ts";
import { formatTable } from "./table.ts";

interface Unpinning {
  readonly store?: string | undefined;
  readonly reason?: string | undefined;
  readonly yes?: boolean | undefined;
}

async function readStores(): Promise<StorePin[]> {
  return (await (await callAdmin("/admin/v1/stores")).json()).stores;
}

function print(stores: readonly StorePin[]): void {
  if (stores.length === 0) {
    return console.log("No application belongs to a store yet: no log server has come.");
  }
  const rows = stores.map(({ app, store, pinnedAt }) => [
    app,
    store,
    new Date(pinnedAt * 1000).toISOString().slice(0, 16).replace("T", " "),
  ]);
  console.log(formatTable([["application", "store", "since"], ...rows]));
}

async function unpin(app: string, { store: given, reason, yes }: Unpinning): Promise<void> {
  const store = given ?? (await readStores()).find((pin) => pin.app === app)?.store;
  if (store === undefined) {
    throw new CommandError(`No store is pinned for ${app}: see deno task stores list.`);
  }
  const again = `deno task stores unpin --app ${app} --store ${store} --yes`;
  if (yes !== true) {
    throw new CommandError(
      `Stop the log servers of store ${store} first. The next store that log servers of ${app} come with takes its ` +
        "place, and knows nothing of what it had: until today's keys have ended, a log that is sent again may be stored " +
        `twice and an account may have its quota twice (deno task keys revoke ends them). To do it: ${again}`,
    );
  }
  const response = await callAdmin(`/admin/v1/apps/${encodeURIComponent(app)}/stores/unpin`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ store, reason }),
  });
  const { unpinned } = await response.json();
  console.log(
    unpinned
      ? `Unpinned: the next store that log servers of ${app} come with takes its place.`
      : `Nothing to do: ${app} is not pinned to store ${store}.`,
  );
}

await runCommand({
  name: "stores",
  help: "Lists and unpins the stores of log servers (docs/operating.md).",
  subcommands: {
    list: subcommand({
      help: "Shows which store each application belongs to.",
      options: { json: JSON_OUTPUT },
      async work({ json }) {
        const stores = await readStores();
        if (json) printJson(stores);
        else print(stores);
      },
    }),
    unpin: subcommand({
      help: "Lets another store take the place of an application's.",
      options: {
        app: { ...APP, required: true },
        store: {
          type: "string",
          value: "ID",
          help: "The store that has the place now: the pinned one by default.",
        },
        reason: { type: "string", value: "WHY", help: "What the audit log is to say of it." },
        yes: YES,
      },
      work: ({ app, ...more }) => unpin(app, more),
    }),
  },
});
