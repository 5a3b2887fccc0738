/** A process that has nothing to do: what Deno itself takes. */
export {};
