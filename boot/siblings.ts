/**
 * The other processes on this one's port, over a Unix socket of each in a folder that the launcher made for them alone:
 * a line with a question, and the answer until the end of the connection, as V8 serialises it.
 *
 * @module
 */
import { deserialize, serialize } from "node:v8";
import { concat } from "../core/base/bytes.ts";
import type { Answer, Answers, Question, Siblings, Told } from "../core/operations/siblings.ts";
import { numbersOf, type Place, socketOf } from "./place.ts";

/** Longer than metrics wait for a store that does not answer. */
const PATIENCE_MS = 2_000;
/** How long an answer counts: anybody may ask whether the service is ready, and every viewer looks at the minutes. */
const FRESH_MS: Readonly<Record<Question, number>> = { ready: 500, minutes: 500, metrics: 0 };
const NEWLINE = 0x0a;
/** No question is longer. */
const MAX_QUESTION = 16;
/** Before what is told and not asked. */
const TELLING = "told";
/** No telling is longer. */
const MAX_TOLD = 64 * 1024;
/** Tellings under way to one process; what comes while one that hangs takes none is lost to it. */
const MAX_TELLINGS = 4;

/** The siblings of a process, by its place. */
export class SocketSiblings implements Siblings {
  readonly process: string;
  readonly #place: Place;
  readonly #patienceMs: number;
  readonly #asked = new Map<
    Question,
    { at: number; answers: Promise<ReadonlyMap<string, Answer<unknown>>> }
  >();
  readonly #telling = new Map<number, number>();
  #listener: Deno.UnixListener | undefined;

  /** Asks and listens at nobody yet. */
  constructor(place: Place, { patienceMs = PATIENCE_MS }: { readonly patienceMs?: number } = {}) {
    this.process = String(place.number);
    this.#place = place;
    this.#patienceMs = patienceMs;
  }

  async ask<Q extends Question>(question: Q): Promise<ReadonlyMap<string, Answer<Told[Q]>>> {
    const last = this.#asked.get(question);
    const now = performance.now();
    const isFresh = last !== undefined && now - last.at < FRESH_MS[question];
    const answers = isFresh ? last.answers : this.#askAll(question);
    if (!isFresh) this.#asked.set(question, { at: now, answers });
    return await answers as ReadonlyMap<string, Answer<Told[Q]>>;
  }

  /** Tells all others some bytes, as far as they take them at once. */
  tell(bytes: Uint8Array): void {
    for (const number of this.#others) {
      const underWay = this.#telling.get(number) ?? 0;
      if (underWay >= MAX_TELLINGS) continue;
      this.#telling.set(number, underWay + 1);
      void this.#tellOne(number, bytes).finally(() =>
        this.#telling.set(number, (this.#telling.get(number) ?? 1) - 1)
      );
    }
  }

  /**
   * From now on this process answers the others, and the launcher sees that it has come up; `hear` takes what they tell.
   */
  listen(answers: Answers, hear: (bytes: Uint8Array) => void = () => {}): void {
    const path = socketOf(this.#place, this.#place.number);
    // Of a process before this one that could not take it away.
    removeIfThere(path);
    const listener = Deno.listen({ transport: "unix", path });
    this.#listener = listener;
    void (async () => {
      for await (const connection of listener) void answer(connection, answers, hear);
    })().catch(() => {});
  }

  /** Answers no more. Whoever is the last to go takes the folder away. */
  close(): void {
    if (this.#listener === undefined) return;
    this.#listener.close();
    this.#listener = undefined;
    removeIfThere(socketOf(this.#place, this.#place.number));
    removeIfThere(this.#place.folder);
  }

  get #others(): number[] {
    return numbersOf(this.#place).filter((number) => number !== this.#place.number);
  }

  async #tellOne(number: number, bytes: Uint8Array): Promise<void> {
    let connection: Deno.UnixConn | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const open = connection = await Deno.connect({
        transport: "unix",
        path: socketOf(this.#place, number),
      });
      timer = setTimeout(() => closeQuietly(open), this.#patienceMs);
      await writeAll(open, new TextEncoder().encode(`${TELLING}\n`));
      await writeAll(open, bytes);
    } catch {
      // It is away, or hangs: it does without.
    } finally {
      clearTimeout(timer);
      if (connection !== undefined) closeQuietly(connection);
    }
  }

  async #askAll(question: Question): Promise<ReadonlyMap<string, Answer<unknown>>> {
    return new Map(
      await Promise.all(
        this.#others.map(async (number) =>
          [String(number), await this.#askOne(socketOf(this.#place, number), question)] as const
        ),
      ),
    );
  }

  async #askOne(path: string, question: Question): Promise<Answer<unknown>> {
    let connection: Deno.UnixConn;
    try {
      connection = await Deno.connect({ transport: "unix", path });
    } catch {
      return { kind: "away" };
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const impatient = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), this.#patienceMs);
    });
    try {
      const bytes = await Promise.race([exchange(connection, question), impatient]);
      return bytes === undefined ? { kind: "silent" } : { kind: "told", told: deserialize(bytes) };
    } catch {
      // It ended as it was asked.
      return { kind: "away" };
    } finally {
      clearTimeout(timer);
      closeQuietly(connection);
    }
  }
}

async function exchange(connection: Deno.UnixConn, question: Question): Promise<Uint8Array> {
  await writeAll(connection, new TextEncoder().encode(`${question}\n`));
  return await readRest(connection, new Uint8Array(), Infinity);
}

/** What still comes, behind what has come already. Throws a `RangeError` where it is too long. */
async function readRest(connection: Deno.UnixConn, come: Uint8Array, maxLength: number): Promise<Uint8Array> {
  const parts = [come];
  let length = come.length;
  const buffer = new Uint8Array(64 * 1024);
  for (let read = await connection.read(buffer); read !== null; read = await connection.read(buffer)) {
    length += read;
    if (length > maxLength) throw new RangeError("This is too long");
    parts.push(buffer.slice(0, read));
  }
  return concat(...parts);
}

async function answer(
  connection: Deno.UnixConn,
  answers: Answers,
  hear: (bytes: Uint8Array) => void,
): Promise<void> {
  try {
    let come = new Uint8Array();
    const buffer = new Uint8Array(MAX_QUESTION);
    let end = -1;
    while ((end = come.indexOf(NEWLINE)) === -1) {
      const read = await connection.read(buffer);
      if (read === null || come.length > MAX_QUESTION) return;
      come = concat(come, buffer.subarray(0, read));
    }
    const question = new TextDecoder().decode(come.subarray(0, end));
    if (question === TELLING) return hear(await readRest(connection, come.subarray(end + 1), MAX_TOLD));
    if (!Object.hasOwn(answers, question)) return;
    await writeAll(connection, serialize(await answers[question as Question]()));
  } catch {
    // It asked and went, or what it asked for could not be had: its connection ends.
  } finally {
    closeQuietly(connection);
  }
}

async function writeAll(connection: Deno.UnixConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function closeQuietly(connection: Deno.UnixConn): void {
  try {
    connection.close();
  } catch {
    // The other end was faster.
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It is gone, or a folder with others in it.
  }
}
