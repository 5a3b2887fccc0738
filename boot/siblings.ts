/**
 * The other processes on this one's port, over a Unix socket of each in a folder that the launcher made for them alone:
 * a line with a question, and the answer until the end of the connection, as V8 serialises it.
 *
 * @module
 */
import { deserialize, serialize } from "node:v8";
import { concat, utf8 } from "../core/base/bytes.ts";
import type { Answer, Answers, Question, Siblings, Told } from "../core/operations/siblings.ts";
import { readExposition } from "../core/operations/exposition.ts";
import { whyNotReady } from "../core/operations/readiness.ts";
import type { Server } from "../core/service.ts";
import { numbersOf, type Place, socketOf } from "./place.ts";

/** Longer than metrics wait for a store that does not answer. */
const PATIENCE_MS = 2_000;
/** How long an answer counts: anybody may ask whether the service is ready, and every viewer looks at the minutes. */
const FRESH_MS: Readonly<Record<Question, number>> = { ready: 500, minutes: 500, metrics: 0 };
/** No question is longer. */
const MAX_QUESTION = 16;

/** The siblings of a process, by its place. */
export class SocketSiblings implements Siblings {
  readonly process: string;
  readonly #place: Place;
  readonly #patienceMs: number;
  readonly #asked = new Map<
    Question,
    { at: number; answers: Promise<ReadonlyMap<string, Answer<unknown>>> }
  >();
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

  /** From now on this process answers the others, and the launcher sees that it has come up. */
  listen(answers: Answers): void {
    const path = socketOf(this.#place, this.#place.number);
    // Of a process before this one that could not take it away.
    removeIfThere(path);
    const listener = Deno.listen({ transport: "unix", path });
    this.#listener = listener;
    void (async () => {
      for await (const connection of listener) void answer(connection, answers);
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

  async #askAll(question: Question): Promise<ReadonlyMap<string, Answer<unknown>>> {
    const others = numbersOf(this.#place).filter((number) => number !== this.#place.number);
    return new Map(
      await Promise.all(
        others.map(async (number) =>
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
  await writeAll(connection, utf8(`${question}\n`));
  const parts: Uint8Array[] = [];
  const buffer = new Uint8Array(64 * 1024);
  for (let read = await connection.read(buffer); read !== null; read = await connection.read(buffer)) {
    parts.push(buffer.slice(0, read));
  }
  return concat(...parts);
}

async function answer(connection: Deno.UnixConn, answers: Answers): Promise<void> {
  try {
    const buffer = new Uint8Array(MAX_QUESTION);
    let text = "";
    while (!text.endsWith("\n") && text.length < MAX_QUESTION) {
      const read = await connection.read(buffer);
      if (read === null) return;
      text += new TextDecoder().decode(buffer.subarray(0, read));
    }
    const question = text.trim();
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

/** What a server answers its siblings. */
export function answersOf(service: Server): Answers {
  return {
    metrics: () => readExposition(service),
    ready: () => whyNotReady(service),
    minutes: () => Promise.resolve(service.counters.minutes()),
  };
}
