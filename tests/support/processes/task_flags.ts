import configuration from "../../../deno.json" with { type: "json" };

/** The tasks of deno.json. */
export type TaskName = keyof typeof configuration.tasks;

/** The flags that a task gives to `deno run` of a script. Throws an `Error` if the task does not run it. */
export function flagsOfTask(task: TaskName, script: string): string[] {
  const words = configuration.tasks[task].command.split(/\s+/);
  const end = words.indexOf(script);
  const start = words.lastIndexOf("run", end) + 1;
  const flags = words.slice(start, end);
  if (
    end === -1 || start < 2 || words[start - 2] !== "deno" || !flags.every((flag) => flag.startsWith("--"))
  ) {
    throw new Error(`Cannot find "deno run --... ${script}" in the task ${task}`);
  }
  return flags;
}
