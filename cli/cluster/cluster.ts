// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task dev:cluster`: a KV Connect endpoint on `.dit/cluster.sqlite3` and three processes of the service on it, to
 * see what several machines would do. `--ports=8001,8002,8003` chooses others. With `DIT_ADMIN_PORT` each
 * process has a port for operators of its own: that one and the numbers after it.
 *
 * @module
 */
import { lockStoreFile } from "../../boot/file_lock.ts";
import { vacuum } from "../../boot/launch/prepare.ts";
import { type KvEndpoint, startKvEndpoint } from "../../tests/support/store/kv_endpoint.ts";
import { runCommand } from "../command.ts";
import {
  type Member,
  type MemberPorts,
  readAdminPorts,
  readPorts,
  runMembers,
  startMember,
} from "./processes.ts";

const STORE = ".dit/cluster.sqlite3";

function announce(members: readonly Member[], endpoint: KvEndpoint): void {
  const [first, second] = members;
  const urls = members.map(({ port, process }) => `  http://127.0.0.1:${port}   (process ${process.pid})`);
  console.log(`
${members.length} processes of the service share one store:
${urls.join("\n")}
The store is ${STORE}, behind a KV Connect endpoint at ${endpoint.url} that ends with this command.
Try next, in another terminal:
  curl http://127.0.0.1:${first?.port}/v1/apps/demo/keys   the same keys from each of them
  kill -9 ${second?.process.pid}   the others go on, and nothing that was acknowledged is lost
For several machines: the same service with DIT_KV set to the URL of a denokv server, or on Deno Deploy.
Ctrl-C ends all of it.
`);
}

async function runCluster(ports: readonly MemberPorts[]): Promise<number> {
  await vacuum(STORE, console.error);
  using _lock = await lockStoreFile(STORE);
  const token = crypto.getRandomValues(new Uint8Array(24)).toHex();
  const endpoint = await startKvEndpoint({ path: STORE, token });
  const code = await runMembers({
    starts: ports.map((at) => () =>
      startMember({
        ...at,
        name: String(at.port),
        env: { DIT_KV: endpoint.url, DENO_KV_ACCESS_TOKEN: token },
      })
    ),
    announce: (members) => announce(members, endpoint),
    close: () => endpoint.stop(),
  });
  if (code === 0) console.log("The cluster has ended; its store stays for the next time.");
  return code;
}

if (import.meta.main) {
  await runCommand({
    use: "Use: deno task dev:cluster [--ports=8001,8002,8003]",
    options: { ports: { type: "string", default: "8001,8002,8003" } },
    async work({ values: { ports } }) {
      Deno.exit(await runCluster(readAdminPorts(readPorts(ports), Deno.env.get("DIT_ADMIN_PORT"))));
    },
  });
}
