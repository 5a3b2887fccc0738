/**
 * A client's state in a file, for Node, Deno and Bun. An entry point of its own: browsers have no files.
 *
 * @module
 */
import type { ClientStorage, Entries } from "./storage.ts";
import { storedIn, transactText } from "./one_text.ts";

/** Milliseconds after which a lock counts as left behind by a process that died: by its time, or since it was seen. */
const STALE_MILLISECONDS = 10_000;
/** Milliseconds between two looks at a lock that somebody else holds. */
const WAIT_MILLISECONDS = 5;

/** The platform's files, asked for when they are used: what is bundled for a page names no module that it lacks. */
function files() {
  type Files = typeof import("node:fs/promises");
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): Files | undefined } };
  const found = process?.getBuiltinModule?.("node:fs/promises");
  if (found === undefined) {
    throw new TypeError("Cannot use a file: the platform has none, or is older than Node 20.16");
  }
  return found;
}

function isCode(error: unknown, code: string): boolean {
  return (error as { code?: unknown }).code === code;
}

/** The storage in a file of a folder, which is made where it is missing, for its owner alone. */
export async function storageIn(folder: string, name: string): Promise<FileStorage> {
  await files().mkdir(folder, { recursive: true, mode: 0o700 });
  return new FileStorage(`${folder}/${name}`);
}

/**
 * Keeps a client's state in one file that only its owner can read, written anew and renamed into place by each
 * transaction. A lock file beside it keeps several processes apart.
 *
 * @example
 * ```ts ignore
 * import { DitClient } from "@dit/service";
 * import { FileStorage } from "@dit/service/storage_file";
 *
 * const storage = new FileStorage("/var/lib/demo/telemetry.json");
 * const client = new DitClient({ endpoint: "https://telemetry.example", app: "demo", session, storage });
 * ```
 */
export class FileStorage implements ClientStorage {
  readonly #path: string;
  #last: Promise<unknown> = Promise.resolve();

  /** The folder of the file at `path` has to exist. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Reads, changes and replaces the file; resolves when it is on the disk. */
  transaction<T>(body: (entries: Entries) => T): Promise<T> {
    const result = this.#last.then(() => this.#transact(body));
    this.#last = result.catch(() => {});
    return result;
  }

  /** Waits for the last transaction. */
  async close(): Promise<void> {
    await this.#last;
  }

  async #transact<T>(body: (entries: Entries) => T): Promise<T> {
    for (;;) {
      const owner = await this.#lock();
      try {
        const { result, text } = transactText(await this.#read(), body);
        if (text === undefined || await this.#replace(text, owner)) return result;
      } finally {
        if (await this.#isHeld(owner)) await files().unlink(this.#lockPath);
      }
    }
  }

  async #read(): Promise<Map<string, string>> {
    try {
      return storedIn(await files().readFile(this.#path, "utf8"));
    } catch (error) {
      if (!isCode(error, "ENOENT")) throw error;
      return new Map();
    }
  }

  /** Whether the file is replaced: not by a process that was stopped for so long that another one took its lock. */
  async #replace(text: string, owner: string): Promise<boolean> {
    const next = `${this.#path}.next`;
    const file = await files().open(next, "w", 0o600);
    try {
      await file.writeFile(text);
      // The name must not point to the new content before that is on the disk.
      await file.sync();
    } finally {
      await file.close();
    }
    const isHeld = await this.#isHeld(owner);
    if (isHeld) await files().rename(next, this.#path);
    return isHeld;
  }

  get #lockPath(): string {
    return `${this.#path}.lock`;
  }

  /** Takes the lock; the name under which it is held. */
  async #lock(): Promise<string> {
    const owner = crypto.randomUUID();
    const seen = { owner, looks: 0 };
    for (;;) {
      try {
        await files().writeFile(this.#lockPath, owner, { flag: "wx", mode: 0o600 });
        return owner;
      } catch (error) {
        if (!isCode(error, "EEXIST")) throw error;
      }
      await this.#waitFor(this.#lockPath, seen);
    }
  }

  async #isHeld(owner: string): Promise<boolean> {
    try {
      return await files().readFile(this.#lockPath, "utf8") === owner;
    } catch {
      return false;
    }
  }

  /** `seen`: whose lock this one waits for, and how often it has looked: no clock that somebody sets. */
  async #waitFor(lock: string, seen: { owner: string; looks: number }): Promise<void> {
    try {
      const { mtimeMs } = await files().stat(lock);
      const holder = await files().readFile(lock, "utf8");
      if (holder !== seen.owner) Object.assign(seen, { owner: holder, looks: 0 });
      // Its time may lie in the future: then whoever took it had another clock.
      const age = Math.max(Date.now() - mtimeMs, seen.looks++ * WAIT_MILLISECONDS);
      if (age > STALE_MILLISECONDS) return await files().unlink(lock);
    } catch (error) {
      if (isCode(error, "ENOENT")) return;
      throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, WAIT_MILLISECONDS));
  }
}
