/**
 * A real KV whose commits and reads go wrong when a test says so: what a store behind a network or a full disk does.
 *
 * @module
 */

/** What happens to a commit. */
export type CommitFault =
  /** It works. */
  | "none"
  /** It throws, and nothing has landed. */
  | "throw"
  /** It lands, and throws. */
  | "land and throw"
  /** It lands, and says that a check failed: a write that was sent twice. */
  | "land and say no"
  /** It does not land, and says that a check failed. */
  | "say no"
  /** It lands, but answers only when `release` is called. */
  | "land and hang"
  /** It neither lands nor answers until `release` is called; then it lands. */
  | "hang";

/** A KV with faults. */
export interface FaultyKv {
  /** The KV to give to the code under test. */
  readonly kv: Deno.Kv;
  /** Decides about the commit with this number, from 0; no fault by default. */
  fault: (commit: number) => CommitFault;
  /** What a commit says that throws and has not landed. */
  message: string;
  /** While it is set, reads wait for `release`. */
  readsHang: boolean;
  /** While it is set, reads throw. */
  readsThrow: boolean;
  /** Commits so far, and how many of them were called but not answered. */
  readonly counts: { commits: number; unanswered: number };
  /** Answers all that hangs. */
  release(): void;
  /** Answers all that hangs, and waits until nothing does. */
  settle(): Promise<void>;
}

/** Puts faults in front of an open KV. */
export function faultyKv(real: Deno.Kv): FaultyKv {
  let gate = Promise.withResolvers<void>();
  const faulty: FaultyKv = {
    kv: undefined as unknown as Deno.Kv,
    fault: () => "none",
    message: "a commit that throws",
    readsHang: false,
    readsThrow: false,
    counts: { commits: 0, unanswered: 0 },
    release() {
      gate.resolve();
      gate = Promise.withResolvers();
    },
    async settle() {
      // What was asked for in this turn of the event loop has begun in the next one.
      do {
        await new Promise((resolve) => setTimeout(resolve, 1));
        faulty.release();
      } while (faulty.counts.unanswered > 0);
    },
  };

  async function commit(operation: Deno.AtomicOperation): Promise<Deno.KvCommitResult | Deno.KvCommitError> {
    const kind = faulty.fault(faulty.counts.commits++);
    faulty.counts.unanswered++;
    try {
      if (kind === "throw") throw new TypeError(faulty.message);
      if (kind === "say no") return { ok: false };
      if (kind === "hang") await gate.promise;
      const result = await operation.commit();
      if (kind === "land and throw") throw new TypeError("a commit that lands and throws");
      if (kind === "land and say no") return { ok: false };
      if (kind === "land and hang") await gate.promise;
      return result;
    } finally {
      faulty.counts.unanswered--;
    }
  }

  const wrapOperation = (operation: Deno.AtomicOperation): Deno.AtomicOperation =>
    new Proxy(operation, {
      get(target, name) {
        if (name === "commit") return () => commit(target);
        const member = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          const result = member.apply(target, args);
          return result === target ? wrapOperation(target) : result;
        };
      },
    });

  async function read<T>(begin: () => Promise<T>): Promise<T> {
    if (faulty.readsThrow) throw new TypeError("a read that throws");
    if (faulty.readsHang) await gate.promise;
    return await begin();
  }

  const wrapRows = <T>(rows: Deno.KvListIterator<T>): Deno.KvListIterator<T> =>
    new Proxy(rows, {
      get(target, name, receiver) {
        if (name === "next") return () => read(() => target.next());
        if (name === Symbol.asyncIterator) return () => receiver;
        return Reflect.get(target, name, target);
      },
    });

  const kv = new Proxy(real, {
    get(target, name) {
      if (name === "atomic") return () => wrapOperation(target.atomic());
      if (name === "list") return (...args: Parameters<Deno.Kv["list"]>) => wrapRows(target.list(...args));
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      if (name !== "get" && name !== "getMany") return member.bind(target);
      return (...args: unknown[]) => read(() => member.apply(target, args));
    },
  });
  return Object.assign(faulty, { kv });
}
