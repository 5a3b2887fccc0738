/**
 * A throw-away PostgreSQL server from the machine's own package, in a folder of its own, on 127.0.0.1.
 *
 * @module
 */
import { atOurEnd } from "../processes/at_our_end.ts";
import { freePort } from "../processes/free_ports.ts";

/** A server that runs. */
export interface Cluster {
  readonly port: number;
  /** Its folder: the data, and the server's log as `log`. */
  readonly folder: string;
  /** The URL of a database that is made empty. */
  newDatabase(): Promise<string>;
  /** Runs SQL in a database, `postgres` by default; what `psql` prints. */
  sql(text: string, database?: string): Promise<string>;
  /** Runs a program of the package, such as `pg_dump`, on a database; what it prints. */
  program(name: string, database: string, ...args: string[]): Promise<string>;
  /** The process that accepts connections. */
  pid(): Promise<number>;
  start(): Promise<void>;
  /** `fast` ends what is under way; `immediate` is a crash. */
  stop(mode: "fast" | "immediate"): Promise<void>;
  /** Ends it and removes its folder, at once: for the end of a process. */
  endNow(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Where Debian's package has the server's programs; undefined: nowhere. */
async function findPrograms(): Promise<string | undefined> {
  const root = "/usr/lib/postgresql";
  try {
    const versions = await Array.fromAsync(Deno.readDir(root), ({ name }) => Number(name));
    const newest = Math.max(...versions.filter((version) => version >= 14));
    await Deno.stat(`${root}/${newest}/bin/initdb`);
    return `${root}/${newest}/bin`;
  } catch {
    return undefined;
  }
}

const programs = await findPrograms();

/** Why there is no PostgreSQL here; undefined where there is. */
export const NO_POSTGRES: string | undefined = programs === undefined
  ? "there is no PostgreSQL 14 or later on this machine (Debian: apt-get install postgresql)"
  : undefined;

/** The server refuses to run as root. */
const AS_OTHERS = Deno.uid() === 0
  ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
  : [];

function commandOf(name: string, ...args: string[]): Deno.Command {
  const [command = "", ...rest] = [...AS_OTHERS, `${programs}/${name}`, ...args];
  return new Deno.Command(command, { args: rest, cwd: "/", env: { LC_ALL: "C.UTF-8" }, stdin: "null" });
}

/** Runs a program of the package as the server's user; what it prints. */
export async function run(name: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await commandOf(name, ...args).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`${name}: ${decode(stderr)}${decode(stdout)}`);
  return decode(stdout);
}

/** Settings of a server that nobody needs after a power failure of the machine itself. */
const SETTINGS = [
  "listen_addresses=127.0.0.1",
  "max_connections=200",
  "shared_buffers=64MB",
  "fsync=off",
];

/** Makes a folder for a server, which the server's user may write to. */
export async function makeFolder(parent?: string): Promise<string> {
  const folder = await Deno.makeTempDir({
    prefix: "dit-postgres-",
    ...parent === undefined ? {} : { dir: parent },
  });
  if (AS_OTHERS.length > 0) {
    const { success } = await new Deno.Command("chown", { args: ["postgres:postgres", folder] }).output();
    if (!success) throw new Error("The folder of the server could not be given to its user.");
  }
  return folder;
}

/** Starts a server, in a folder of its own or in one that {@linkcode makeFolder} made. */
export async function startCluster(settings: readonly string[] = [], folder?: string): Promise<Cluster> {
  const own = folder ?? await makeFolder();
  const data = `${own}/data`;
  await run("initdb", "-D", data, "-U", "dit", "-A", "trust", "-E", "UTF8", "--no-sync");
  return await startIn(own, settings);
}

/** Starts the server whose data are in a folder. */
export async function startIn(folder: string, settings: readonly string[] = []): Promise<Cluster> {
  const data = `${folder}/data`;
  const port = freePort();
  const options = [...SETTINGS, `port=${port}`, `unix_socket_directories=${folder}`, ...settings]
    .map((setting) => `-c ${setting}`).join(" ");
  const stopping = [...AS_OTHERS, `${programs}/pg_ctl`, "-D", data, "-m", "immediate", "stop"];
  let databases = 0;
  const cluster: Cluster = {
    port,
    folder,
    async newDatabase() {
      const name = `test_${++databases}`;
      await cluster.sql(`create database ${name}`);
      return `postgres://dit@127.0.0.1:${port}/${name}`;
    },
    sql: (text, database = "postgres") =>
      run("psql", "-h", "127.0.0.1", "-p", `${port}`, "-U", "dit", "-At", "-c", text, database),
    program: (name, database, ...args) =>
      run(name, "-h", "127.0.0.1", "-p", `${port}`, "-U", "dit", "-d", database, ...args),
    pid: async () => Number((await Deno.readTextFile(`${data}/postmaster.pid`)).split("\n")[0]),
    start: async () =>
      void await run("pg_ctl", "-D", data, "-l", `${folder}/log`, "-o", options, "-w", "start"),
    stop: async (mode) => void await run("pg_ctl", "-D", data, "-m", mode, "-w", "stop"),
    endNow() {
      commandOf("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop").outputSync();
      Deno.removeSync(folder, { recursive: true });
    },
    async [Symbol.asyncDispose]() {
      await cluster.stop("immediate").catch(() => {});
      await Deno.remove(folder, { recursive: true });
    },
  };
  // A server that is interrupted or killed with its tests would go on for ever.
  await atOurEnd('folder=$1; shift; "$@"; rm -rf "$folder"', folder, ...stopping);
  await cluster.start();
  return cluster;
}
