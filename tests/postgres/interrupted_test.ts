/** A process of tests that is killed leaves neither its server nor its pooler behind. */
import { assertEquals } from "@std/assert";
import { NO_POSTGRES } from "../support/postgres/cluster.ts";
import { NO_POOLER } from "../support/postgres/pooler.ts";
import { until } from "../support/store/with_kv_endpoint.ts";
import { takesConnections } from "../support/processes/takes_connections.ts";

const SUPPORT = new URL("../support/postgres/", import.meta.url).href;
const PROGRAM = `
const { startCluster } = await import("${SUPPORT}cluster.ts");
const { startPooler } = await import("${SUPPORT}pooler.ts");
const cluster = await startCluster();
const pooler = await startPooler(cluster);
console.log(JSON.stringify({ folder: cluster.folder, ports: [cluster.port, pooler.port] }));
await new Promise(() => setInterval(() => {}, 1_000));
`;

for (const signal of ["SIGKILL", "SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `a server and a pooler of tests end with their process on ${signal}`,
    ignore: NO_POSTGRES !== undefined || NO_POOLER !== undefined,
    async fn() {
      const child = new Deno.Command(Deno.execPath(), {
        args: [
          ...[
            "run",
            "--no-check",
            "--allow-all",
            "--config",
            new URL("../deno.json", import.meta.url).pathname,
          ],
          `data:application/typescript,${encodeURIComponent(PROGRAM)}`,
        ],
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
      const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      const { value = "" } = await lines.read();
      const { folder, ports }: { folder: string; ports: number[] } = JSON.parse(value);
      assertEquals(await Promise.all(ports.map(takesConnections)), [true, true]);
      child.kill(signal);
      await child.status;
      await lines.cancel();
      await until(async () => (await Promise.all(ports.map(takesConnections))).every((answer) => !answer));
      await until(() => Deno.stat(folder).then(() => false, () => true));
    },
  });
}
