/**
 * The control server of a player: what is asked of a client in some runtime, and what came of it.
 *
 * @module
 */
import { present } from "../support/base/present.ts";

/** What a client is asked to do: the members of `player.mjs`'s `commands`. */
export interface Command {
  readonly name: "make" | "clock" | "log" | "flush" | "inspect" | "restart" | "stored" | "told" | "close";
  readonly id: number;
  readonly [argument: string]: unknown;
}

/** Plays clients in some runtime. */
export interface Remote extends AsyncDisposable {
  /** Has a client do something; what came of it. Rejects with what was thrown there. */
  readonly ask: (command: Command) => Promise<unknown>;
}

/** A control server, and where it is. */
export interface Control extends Remote {
  readonly url: string;
}

/** Starts a control server. `page`: the modules of a page that plays, by path. */
export function startControl(page: Readonly<Record<string, string>> = {}): Control {
  const waiting: Command[] = [];
  const asked = new Map<number, PromiseWithResolvers<unknown>>();
  let next: PromiseWithResolvers<void> | undefined;
  let number = 0;
  let isOver = false;

  async function nextCommand(): Promise<Response> {
    while (waiting.length === 0 && !isOver) {
      next = Promise.withResolvers();
      await next.promise;
    }
    return Response.json(waiting.shift() ?? null);
  }

  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/next") return await nextCommand();
    if (pathname === "/result") {
      const result = await request.json();
      const { resolve, reject } = present(asked.get(result.number));
      asked.delete(result.number);
      if (result.error === undefined) resolve(result.value);
      else reject(new Error(result.error));
      return new Response();
    }
    const text = page[pathname];
    if (text === undefined) return new Response(null, { status: 404 });
    return new Response(text, {
      headers: { "content-type": pathname.endsWith(".js") ? "text/javascript" : "text/html" },
    });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    ask(command) {
      const answer = Promise.withResolvers<unknown>();
      asked.set(++number, answer);
      waiting.push({ ...command, number });
      next?.resolve();
      return answer.promise;
    },
    async [Symbol.asyncDispose]() {
      isOver = true;
      next?.resolve();
      await server.shutdown();
    },
  };
}
