/**
 * The SQLite engine of Deno KV (denokv) outside of Deno: the native addon that the npm package `@deno/kv` brings for
 * each platform. It takes and gives the protobuf bytes of KV Connect as they are, so nothing here has to know them.
 *
 * @module
 */

import { createRequire, findPackageJSON } from "node:module";
import { randomBytes } from "node:crypto";
import { arch, platform } from "node:process";
import type { NapiInterface } from "@deno/kv";
import { concat } from "../../../core/base/bytes.ts";

/** Why the engine did not do what it was asked: the request was at fault, or the engine was. */
export class KvEngineError extends Error {
  /** For a log line. */
  override name = "KvEngineError";
  /** Whether the request itself was wrong, so that sending it again is of no use. */
  readonly requestRefused: boolean;

  /** `message` is the engine's own. */
  constructor(message: string, requestRefused: boolean) {
    super(message);
    this.requestRefused = requestRefused;
  }
}

/** An open database. All bytes are messages of denokv's `datapath.proto`. */
export interface KvEngine {
  /** `SnapshotRead` in, `SnapshotReadOutput` out. Throws a `KvEngineError`. */
  snapshotRead(request: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /** `AtomicWrite` in, `AtomicWriteOutput` out. Throws a `KvEngineError`. */
  atomicWrite(request: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /** `Watch` in, a `WatchOutput` for the present state and for each change after it, until it is cancelled. */
  watch(request: Uint8Array<ArrayBuffer>): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
  /** Ends every watch and closes the file. */
  close(): Promise<void>;
}

const ADDONS: Record<string, string> = {
  "linux-x64": "@deno/kv-linux-x64-gnu",
  "linux-arm64": "@deno/kv-linux-arm64-gnu",
  "darwin-x64": "@deno/kv-darwin-x64",
  "darwin-arm64": "@deno/kv-darwin-arm64",
  "win32-x64": "@deno/kv-win32-x64-msvc",
};

/**
 * Never called: it puts `@deno/kv` into the module graph, so that Deno fetches it together with this platform's addon.
 * Its own loader would ask for `--allow-sys` and `--allow-read`; the addon alone needs no more than `--allow-ffi`.
 */
export const kvPackage = (): Promise<unknown> => import("@deno/kv");

/** The npm package of the addon for a platform, in Node's names. Throws an `Error` where there is none. */
export function addonFor(platform: string, arch: string): string {
  const addon = ADDONS[`${platform}-${arch}`];
  if (addon !== undefined) return addon;
  throw new Error(`Cannot open a KV engine: @deno/kv has no build for ${platform} on ${arch}`);
}

function loadAddon(): NapiInterface {
  const addon = addonFor(platform, arch);
  try {
    const kv = findPackageJSON("@deno/kv", import.meta.url);
    if (kv === undefined) throw new Error("@deno/kv is not installed");
    return createRequire(kv)(addon) as NapiInterface;
  } catch (cause) {
    throw new Error(`Cannot open a KV engine: ${addon} does not load (it needs --allow-ffi and glibc)`, {
      cause,
    });
  }
}

/** What the engine says about a request that it will never take; anything else (a locked or full disk) may pass. */
const REFUSED =
  /^([A-Z][A-Za-z]+|failed to decode Protobuf message.*|Failed to perform .*|.* exceed its range limit|The value encoding .*|Can not write .*)$/;

function engineError(cause: unknown): KvEngineError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const firstLine = text.split("\n", 1)[0] ?? ""; // the rest is a Rust backtrace
  return new KvEngineError(firstLine, REFUSED.test(firstLine));
}

/** A protobuf field of wire type LEN; `content` is shorter than 128 bytes. */
function field(number: number, content: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(Uint8Array.of(number << 3 | 2, content.length), content);
}

/** `WatchKeyOutput {changed: true}` without an entry, as the last key of a `WatchOutput`. */
const ABSENT_KEY = Uint8Array.of(2 << 3 | 2, 2, 1 << 3, 1);

/**
 * Opens a database file (made if absent), or an own empty one for `":memory:"`. Throws an `Error` of one sentence where
 * the platform has no addon, and a `KvEngineError` if the file cannot be opened.
 */
export function openKvEngine(path: string): KvEngine {
  const addon = loadAddon();
  const calling = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (cause) {
      throw engineError(cause);
    }
  };
  let db: number;
  try {
    db = addon.open(path, false, false);
  } catch (cause) {
    throw engineError(cause);
  }
  const owned = (bytes: Uint8Array) => new Uint8Array(bytes);
  const watches = new Set<() => Promise<void>>();

  return {
    snapshotRead: async (request) => owned(await calling(addon.snapshotRead(db, request, false))),
    atomicWrite: async (request) => owned(await calling(addon.atomicWrite(db, request, false))),

    async watch(request) {
      // A waiting dequeue cannot be called off, and keeps the process alive even after close(). So each watch watches
      // one more key, which exists never: deleting it wakes the dequeue, and its part of each answer is cut off.
      const wakeKey = new Uint8Array(randomBytes(16));
      const wake = field(2, concat(field(1, wakeKey), Uint8Array.of(3 << 3, 2))); // AtomicWrite {mutations: [M_DELETE]}
      const id = await calling(addon.startWatch(db, concat(request, field(1, field(1, wakeKey))), false));
      let waiting: Promise<Uint8Array | undefined> | undefined;
      let ending: Promise<void> | undefined;
      let cancelled = false;
      const finish = async () => {
        const last = waiting;
        if (last !== undefined) {
          await calling(addon.atomicWrite(db, wake, false));
          await last.catch(() => {});
        }
        addon.endWatch(db, id, false);
        watches.delete(end);
      };
      const end = () => ending ??= finish();
      watches.add(end);
      return new ReadableStream({
        async pull(controller) {
          waiting = addon.dequeueNextWatchMessage(db, id, false);
          const output = await calling(waiting);
          waiting = undefined;
          if (cancelled) return;
          if (ending !== undefined || output === undefined) return controller.close();
          const tail = output.subarray(-ABSENT_KEY.length);
          if (!tail.every((byte, index) => byte === ABSENT_KEY[index])) {
            throw new KvEngineError("The engine's watch output does not end with the wake key", false);
          }
          controller.enqueue(owned(output.subarray(0, -ABSENT_KEY.length)));
        },
        cancel() {
          cancelled = true;
          return end();
        },
      }, { highWaterMark: 0 });
    },

    async close() {
      await Promise.all([...watches].map((end) => end()));
      addon.close(db, false);
    },
  };
}
