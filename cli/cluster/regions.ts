// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * `deno task dev:regions`: two regions as two processes with two stores. `--ports=8001,8002` chooses others.
 *
 * @module
 */
import { runCommand } from "../command.ts";
import { subcommand } from "../subcommand.ts";
import {
  type Member,
  type MemberPorts,
  readAdminPorts,
  readPorts,
  runMembers,
  startMember,
} from "./processes.ts";

function announce(members: readonly Member[]): void {
  const [eu, us] = members.map(({ port }) => `http://127.0.0.1:${port}`);
  console.log(`
Two regions, each with a store and keys of its own:
  eu  ${eu}   (.dit/region-eu.sqlite3)
  us  ${us}   (.dit/region-us.sqlite3)
Try next, in another terminal:
  curl ${us}/v1/apps/demo/keys   the keys of both, from either
  deno task demo --endpoint=${eu} --logs-to=${us}   tokens of eu, logs that land in us and are sent home
  curl ${us}/dev/store   none of those logs is here
Ctrl-C ends both.
`);
}

if (import.meta.main) {
  await runCommand({
    name: "dev:regions",
    help: "Starts two regions.",
    subcommands: {
      "": subcommand({
        help: "Starts two regions, eu and us, with a store each.",
        options: {
          ports: {
            type: "string",
            value: "PORTS",
            default: "8001,8002",
            help: "A port for each, with a comma.",
          },
        },
        async work({ ports: given }) {
          const ports = readPorts(given, 2);
          const [eu, us] = readAdminPorts(ports, Deno.env.get("DIT_ADMIN_PORT")) as [
            MemberPorts,
            MemberPorts,
          ];
          const regions = Object.entries({ eu, us });
          const shared = {
            DIT_REGIONS: regions.map(([name, { port }]) => `${name}=http://127.0.0.1:${port}`).join(","),
            DIT_REGION_TOKEN: crypto.getRandomValues(new Uint8Array(24)).toHex(),
          };
          const starts = regions.map(([name, at]) => () =>
            startMember({
              ...at,
              name,
              env: { ...shared, DIT_REGION: name, DIT_KV: `.dit/region-${name}.sqlite3` },
            })
          );
          Deno.exit(await runMembers({ starts, announce }));
        },
      }),
    },
  });
}
