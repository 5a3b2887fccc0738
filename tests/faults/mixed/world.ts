/**
 * Three processes of the service on one store behind a network, all of which can go wrong.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { isReady } from "../../../cli/cluster/service_process.ts";
import { freePorts } from "../../support/processes/free_ports.ts";
import { findFaketime, type MovedClock, movedClock } from "../../support/processes/moved_clock.ts";
import type { RunningService } from "../../support/processes/running_service.ts";
import { spawnService } from "../../support/processes/spawned_service.ts";
import type { JwksServer } from "../../support/service/jwks_server.ts";
import { type KvEndpoint, startKvEndpoint } from "../../support/store/kv_endpoint.ts";
import { TOKEN, until } from "../../support/store/with_kv_endpoint.ts";

/** Descriptors that a process may open. */
const DESCRIPTORS = 256;
/** Requests a second that this machine, from which all of them come, may keep up with each process. */
const THROTTLE = 60;
/** What is left of the small disk beside the store. */
const DISK_MIB = 192;

/** One process, which comes back under the same name. */
export interface Member {
  readonly clock: MovedClock | undefined;
  readonly url: string;
  readonly port: number;
  /** Its process now. */
  service: RunningService;
}

/** All that can go wrong, and what it happens to. */
export interface World extends AsyncDisposable {
  readonly jwks: JwksServer;
  readonly random: () => number;
  readonly endpoint: KvEndpoint;
  /** The folder of the small disk that the store is on; undefined: it is on a large one. */
  readonly smallDisk: string | undefined;
  readonly members: readonly Member[];
  /** The process that nobody kills, whose memory is watched. */
  readonly oldest: RunningService;
  /** What this machine cannot do, in words. */
  readonly missing: readonly string[];
  /** One of the members. */
  readonly anyone: () => Member;
  /** Kills a member, and has it started again, as often as it takes: no store answers, and a start ends. */
  readonly replace: (member: Member) => Promise<void>;
  /** Waits until every process is ready and logs are accepted again; throws when one has ended by itself. */
  readonly recovered: (accepted: () => number) => Promise<void>;
  /** Lets all of them end in order. */
  readonly end: () => Promise<void>;
}

async function run(...command: string[]): Promise<boolean> {
  const [program = "", ...args] = command;
  try {
    return (await new Deno.Command(program, { args, stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

const config = (jwks: string) =>
  `import { defineConfig } from ${
    JSON.stringify(new URL("../../../core/config/mod.ts", import.meta.url).href)
  };
import faults from ${JSON.stringify(new URL("../config.ts", import.meta.url).href)};
const { load } = faults.applications;
export default defineConfig({
  issuer: faults.issuer,
  applications: {
    load: {
      ...load,
      // A batch that was granted twice would not be granted.
      tokensPerClient: 2,
      session: {
        issuer: "https://login.example",
        key: { kind: "jwks", url: ${JSON.stringify(jwks)}, algorithms: ["ES256"] },
      },
    },
  },
});
`;

/** Starts them. */
export async function startWorld(
  { jwks, random }: { readonly jwks: JwksServer; readonly random: () => number },
): Promise<World> {
  const folder = await Deno.makeTempDir();
  const disk = `${folder}/disk`;
  await Deno.mkdir(disk);
  const isSmall = await run("mount", "-t", "tmpfs", "-o", `size=${DISK_MIB}m`, "tmpfs", disk);
  const faketime = findFaketime();
  const endpoint = await startKvEndpoint({ path: `${disk}/endpoint.sqlite3`, token: TOKEN });
  await Deno.writeTextFile(`${folder}/config.ts`, config(jwks.url));

  const spawn = (port: number, clock: MovedClock | undefined) =>
    spawnService({
      folder,
      port,
      kv: endpoint.url,
      // JWKS without TLS are for development.
      env: { DIT_ENV: "development", DIT_CONFIG: `${folder}/config.ts`, DIT_THROTTLE: String(THROTTLE) },
      wrap: (command) => [
        ...["bash", "-c", `ulimit -n ${DESCRIPTORS}; exec "$@"`, "bash"],
        ...clock?.command ?? [],
        ...command,
      ],
    });
  const members: Member[] = freePorts(3).map((port, index) => {
    const clock = faketime === undefined ? undefined : movedClock(faketime, `${folder}/clock-${index}`);
    return { clock, port, url: `http://127.0.0.1:${port}`, service: spawn(port, clock) };
  });
  const [first] = members;
  if (first === undefined) throw new Error("There is no port.");
  let isOver = false;
  /** The first process that ended although nobody told it to. */
  let fallen: string | undefined;
  const watch = ({ service }: Member) =>
    service.ended.then(({ code, signal }) => {
      if (isOver || signal === "SIGKILL") return;
      fallen ??= `a process ended with ${signal ?? code}:\n${service.lines.slice(-20).join("\n")}`;
    });
  members.forEach(watch);
  const revivals: Promise<void>[] = [];
  async function revive(member: Member): Promise<void> {
    while (!isOver) {
      try {
        await member.service.ready();
        watch(member);
        return;
      } catch {
        await member.service.end("SIGKILL");
        member.service = spawn(member.port, member.clock);
      }
    }
  }
  await Promise.all(members.map(({ service }) => service.ready()));

  const world: World = {
    jwks,
    random,
    endpoint,
    smallDisk: isSmall ? disk : undefined,
    members,
    oldest: first.service,
    missing: [
      ...isSmall ? [] : ["a full disk: no right to mount a small tmpfs here"],
      ...faketime === undefined ? ["leaps of clocks: libfaketime is not installed"] : [],
    ],
    anyone: () => members[Math.floor(random() * members.length)] ?? first,
    async replace(member) {
      await member.service.end("SIGKILL");
      member.service = spawn(member.port, member.clock);
      revivals.push(revive(member));
    },
    async recovered(accepted) {
      await Promise.all(revivals.splice(0));
      const before = accepted();
      await until(async () => {
        if (fallen !== undefined) throw new Error(fallen);
        if (accepted() < before + 30) return false;
        return (await Promise.all(members.map(({ url }) => isReady(url)))).every((ready) => ready);
      });
    },
    async end() {
      isOver = true;
      const statuses = await Promise.all(members.map(({ service }) => service.end("SIGTERM")));
      assertEquals(statuses.map(({ code }) => code), [0, 0, 0]);
    },
    async [Symbol.asyncDispose]() {
      isOver = true;
      await Promise.all(members.map(({ service }) => service.end("SIGKILL")));
      await endpoint.stop();
      if (isSmall) await run("umount", disk);
      await Deno.remove(folder, { recursive: true });
    },
  };
  return world;
}
