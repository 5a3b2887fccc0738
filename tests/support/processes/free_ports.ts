/**
 * Ports for processes that must be told theirs before they listen, or that listen on the same one again.
 *
 * @module
 */

/** Below where systems take ports from for port 0 and for connections that go out (32,768 on Linux, 49,152 elsewhere). */
const FIRST = 20_000;
const COUNT = 12_000;

/**
 * Ports that nobody listens on, and that no other test gets: every process of this user on this machine takes the next
 * ones of a row. The system gives them to nobody who asks for any port.
 */
export function freePorts(count: number): number[] {
  const folder = Deno.env.get("TMPDIR") ?? "/tmp";
  using file = Deno.openSync(`${folder}/dit-test-ports-${Deno.uid()}`, {
    read: true,
    write: true,
    create: true,
  });
  // The lock ends with the file, and so with a process that is killed.
  file.lockSync(true);
  const bytes = new Uint8Array(4);
  let next = file.readSync(bytes) === 4 ? new DataView(bytes.buffer).getUint32(0) : 0;
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST + next++ % COUNT;
    if (isFree(port)) ports.push(port);
  }
  new DataView(bytes.buffer).setUint32(0, next % COUNT);
  file.seekSync(0, Deno.SeekMode.Start);
  file.writeSync(bytes);
  return ports;
}

/** One of {@linkcode freePorts}. */
export function freePort(): number {
  return freePorts(1)[0]!;
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
