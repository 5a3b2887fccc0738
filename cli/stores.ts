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
import { formatTable } from "./table.ts";

const USE = 'Use: deno task stores list | unpin --app X [--store ID] [--reason "..."] --yes';

const OPTIONS = {
  app: { type: "string" },
  store: { type: "string" },
  reason: { type: "string" },
  yes: { type: "boolean" },
} as const;

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
  use: USE,
  options: OPTIONS,
  words: 1,
  async work({ values, positionals: [what] }) {
    if (what === "list") return print(await readStores());
    if (what === "unpin" && values.app !== undefined) return await unpin(values.app, values);
    throw new CommandError(USE);
  },
});
