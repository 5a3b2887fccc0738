// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * Several processes of the service that are started, printed and ended together.
 *
 * @module
 */
import { UsageError } from "../options.ts";
import { spawnMain } from "./service_process.ts";

/** The service itself ends within 5 s. */
const END_MS = 8_000;

/** One of them. */
export interface Member {
  /** By which its lines are known. */
  readonly name: string;
  /** Where it listens. */
  readonly port: number;
  /** The process. */
  readonly process: Deno.ChildProcess;
  /** Settles when the process has ended and all that it wrote is printed. */
  readonly ended: Promise<Deno.CommandStatus>;
}

/** How a member is started. */
export interface MemberOptions extends MemberPorts {
  /** By which its lines are known. */
  readonly name: string;
  /** Variables of its own. */
  readonly env: Record<string, string>;
}

/** Starts a process for development. */
export async function startMember({ name, port, adminPort, env }: MemberOptions): Promise<Member> {
  const own = adminPort === undefined ? env : { ...env, DIT_ADMIN_PORT: String(adminPort) };
  const { process } = await spawnMain({ port, env: own, stdout: "piped", stderr: "piped" });
  const printed = Promise.all([print(name, process.stdout), print(name, process.stderr)]);
  return { name, port, process, ended: process.status.then((status) => printed.then(() => status)) };
}

async function print(name: string, output: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
  let rest = "";
  for await (const text of output.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") console.log(`[${name}] ${line}`);
  }
  if (rest !== "") console.log(`[${name}] ${rest}`);
}

/** Waits until a member answers; false if it has ended instead. */
async function ready({ port, ended }: Member): Promise<boolean> {
  let running = true;
  ended.then(() => running = false);
  while (running) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2_000) });
      await answer.body?.cancel();
      if (answer.ok && running) return true;
    } catch {
      // It does not listen yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

function send(signal: Deno.Signal, { process }: Member): void {
  try {
    process.kill(signal);
  } catch {
    // It has ended already.
  }
}

/** Ends every member, by force after a while. */
async function end(members: readonly Member[]): Promise<void> {
  for (const member of members) send("SIGTERM", member);
  const force = setTimeout(() => members.forEach((member) => send("SIGKILL", member)), END_MS);
  await Promise.all(members.map((member) => member.ended));
  clearTimeout(force);
}

/** How members are run. */
export interface RunOptions {
  /** What starts each of them, in order. */
  readonly starts: readonly (() => Promise<Member>)[];
  /** Called when all of them answer. */
  readonly announce: (members: readonly Member[]) => void;
  /** Called when all of them have ended. */
  readonly close?: () => Promise<void>;
}

/** Runs members until a signal comes or all have ended. Gives the code to exit with. */
export async function runMembers({ starts, announce, close }: RunOptions): Promise<number> {
  const members: Member[] = [];
  let ending: Promise<void> | undefined;
  const stop = () => void (ending ??= end(members).then(close));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) Deno.addSignalListener(signal, stop);
  for (const start of starts) {
    if (ending !== undefined) break;
    const member = await start();
    members.push(member);
    // One after the other: the first makes the secrets of development in .dit, the others read them.
    if (!await ready(member) && ending === undefined) {
      console.error(`[${member.name}] did not start, so the others end.`);
      stop();
      await ending;
      return 1;
    }
    member.ended.then(({ code }) => {
      if (ending === undefined) console.log(`[${member.name}] ended with code ${code}; the others go on`);
    });
  }
  if (ending === undefined) announce(members);
  await Promise.all(members.map((member) => member.ended));
  stop();
  await ending;
  return 0;
}

/** Where a member listens. */
export interface MemberPorts {
  /** For clients, and for operators too unless they have a port of their own. */
  readonly port: number;
  /** For operators alone. */
  readonly adminPort: number | undefined;
}

/**
 * Gives each member a port for operators where `DIT_ADMIN_PORT` is set: the first that one, each of the others the next
 * number. With 0, the system chooses.
 * @throws {UsageError} If one of them is a member's other port, or there is no such port.
 */
export function readAdminPorts(ports: readonly number[], variable: string | undefined): MemberPorts[] {
  if (variable === undefined || variable === "") return ports.map((port) => ({ port, adminPort: undefined }));
  const first = Number(variable);
  const members = ports.map((port, index) => ({ port, adminPort: first === 0 ? 0 : first + index }));
  const areRight = members.every(({ adminPort }) =>
    Number.isInteger(adminPort) && adminPort >= 0 && adminPort <= 65_535 && !ports.includes(adminPort)
  );
  if (areRight) return members;
  throw new UsageError(
    `The processes take DIT_ADMIN_PORT and the numbers after it, ${ports.length} in all, for operators: set it so that ` +
      `none of them is above 65535 or in --ports (${ports.join(", ")}), or leave it out.`,
  );
}

/**
 * The ports of `--ports`, separated by commas.
 * @param count How many there have to be; any number by default.
 * @throws {UsageError} If they are wrong.
 */
export function readPorts(text: string, count?: number): number[] {
  const ports = text.split(",").map(Number);
  const areRight = ports.every((port) => Number.isInteger(port) && port >= 1 && port <= 65_535);
  if (areRight && (count === undefined || ports.length === count)) return ports;
  throw new UsageError(
    `Give --ports ${count ?? "some"} numbers from 1 to 65535, separated by commas.`,
  );
}
