/**
 * A program of this service, of whichever version, on a store and at a clock that stands still.
 *
 * @module
 */
const RELAY = new URL("relay.ts", import.meta.url).pathname;

/** The moment at which the store of the oldest version was written, Unix seconds. */
export const WRITTEN_AT = Date.UTC(2026, 10, 29, 12) / 1_000;

/** A program that runs. */
export interface Program extends AsyncDisposable {
  /** Where its routes are. */
  readonly url: string;
  /** Calls an operators' route, and gives the text of its answer. */
  readonly admin: (path: string, method?: "GET" | "POST") => Promise<string>;
}

/** Starts the program that lies in a folder. Throws what it said where it refuses to start. */
export async function startProgram(root: string, store: string): Promise<Program> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--allow-all",
      `--config=${root}/deno.json`,
      RELAY,
      root,
      store,
      String(WRITTEN_AT),
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value: port } = await output.read();
  if (port === undefined) {
    await child.stdin.close().catch(() => {});
    await child.status;
    throw new Error(await errors);
  }
  const url = `http://127.0.0.1:${Number(port)}`;
  return {
    url,
    async admin(path, method = "GET") {
      const response = await fetch(url + path, { method, headers: { authorization: "Bearer admin-token" } });
      const text = await response.text();
      if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${text}`);
      return text;
    },
    async [Symbol.asyncDispose]() {
      await child.stdin.close();
      await output.cancel();
      const { code } = await child.status;
      const said = await errors;
      if (code !== 0) throw new Error(said);
    },
  };
}
