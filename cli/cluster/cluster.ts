// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task dev:cluster`: a KV Connect endpoint on `.dit/cluster.sqlite3` and three processes of the service on it, to
 * see what several machines would do; with `--store=postgres` a PostgreSQL server of the machine's own package instead,
 * which is gone afterwards. `--ports=8001,8002,8003` chooses others. With `DIT_ADMIN_PORT` each process has a port for
 * operators of its own: that one and the numbers after it.
 *
 * @module
 */
import { lockStoreFile } from "../../boot/file_lock.ts";
import { vacuum } from "../../boot/launch/prepare.ts";
import { NO_POSTGRES, startCluster } from "../../tests/support/postgres/cluster.ts";
import { startKvEndpoint } from "../../tests/support/store/kv_endpoint.ts";
import { CommandError } from "../admin_api.ts";
import { runCommand } from "../command.ts";
import { subcommand } from "../subcommand.ts";
import { UsageError } from "../options.ts";
import {
  type Member,
  type MemberPorts,
  readAdminPorts,
  readPorts,
  runMembers,
  startMember,
} from "./processes.ts";

const STORE = ".dit/cluster.sqlite3";

/** A store that several processes share. */
interface SharedStore {
  /** What tells its processes where it is. */
  readonly env: Record<string, string>;
  /** Sentences about it: what it is, and what takes its place for several machines. */
  readonly about: readonly [what: string, instead: string];
  /** Said when all have ended. */
  readonly farewell: string;
  /** Ends it. */
  readonly close: () => Promise<void>;
}

async function startEndpoint(): Promise<SharedStore> {
  await vacuum(STORE, console.error);
  const lock = await lockStoreFile(STORE);
  const token = crypto.getRandomValues(new Uint8Array(24)).toHex();
  const endpoint = await startKvEndpoint({ path: STORE, token });
  return {
    env: { DIT_KV: endpoint.url, DENO_KV_ACCESS_TOKEN: token },
    about: [
      `The store is ${STORE}, behind a KV Connect endpoint at ${endpoint.url} that ends with this command.`,
      "the URL of a denokv server, or on Deno Deploy",
    ],
    farewell: "The cluster has ended; its store stays for the next time.",
    async close() {
      await endpoint.stop();
      lock.close();
    },
  };
}

async function startPostgres(): Promise<SharedStore> {
  if (NO_POSTGRES !== undefined) throw new CommandError(`Give --store kv: ${NO_POSTGRES}.`);
  const cluster = await startCluster();
  const url = await cluster.newDatabase();
  return {
    env: { DIT_KV: url },
    about: [
      `The store is a database of PostgreSQL at ${url}; its server and all that is in it go with this command.`,
      "the URL of a database",
    ],
    farewell: "The cluster has ended, and its database with it.",
    close: () => cluster[Symbol.asyncDispose](),
  };
}

const STORES = { kv: startEndpoint, postgres: startPostgres };

function announce(members: readonly Member[], [what, instead]: SharedStore["about"]): void {
  const [first, second] = members;
  const urls = members.map(({ port, process }) => `  http://127.0.0.1:${port}   (process ${process.pid})`);
  console.log(`
${members.length} processes of the service share one store:
${urls.join("\n")}
${what}
Try next, in another terminal:
  curl http://127.0.0.1:${first?.port}/v1/apps/demo/keys   the same keys from each of them
  kill -9 ${second?.process.pid}   the others go on, and nothing that was acknowledged is lost
For several machines: the same service with DIT_KV set to ${instead}.
For all cores of one machine: deno task start --processes N, on one port.
Ctrl-C ends all of it.
`);
}

async function runCluster(ports: readonly MemberPorts[], store: SharedStore): Promise<number> {
  const code = await runMembers({
    starts: ports.map((at) => () =>
      startMember({
        ...at,
        name: String(at.port),
        env: store.env,
      })
    ),
    announce: (members) => announce(members, store.about),
    close: store.close,
  });
  if (code === 0) console.log(store.farewell);
  return code;
}

if (import.meta.main) {
  await runCommand({
    name: "dev:cluster",
    help: "Starts several processes of the service on one store.",
    subcommands: {
      "": subcommand({
        help: "Starts several processes of the service on one store, to see what several machines would do.",
        options: {
          store: {
            type: "string",
            value: "KIND",
            default: "kv",
            help:
              "What it is: kv is a KV Connect endpoint, postgres a PostgreSQL server of this machine's package, gone afterwards.",
          },
          ports: {
            type: "string",
            value: "PORTS",
            default: "8001,8002,8003",
            help: "A port for each process, with commas.",
          },
        },
        async work({ ports, store }) {
          const members = readAdminPorts(readPorts(ports), Deno.env.get("DIT_ADMIN_PORT"));
          if (store !== "kv" && store !== "postgres") throw new UsageError("Give --store kv or postgres.");
          Deno.exit(await runCluster(members, await STORES[store]()));
        },
      }),
    },
  });
}
