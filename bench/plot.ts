/** Grey that can be read on white and on black. */
const TEXT = "#767676";
const LINES = "#76767655";
/** Colours that stand out on both. */
export const COLOURS: readonly string[] = ["#3b82f6", "#d97706", "#0d9488", "#db2777"];

/** How axes look in every plot. */
export const AXIS: Readonly<Record<string, unknown>> = {
  nameLocation: "middle",
  nameTextStyle: { color: TEXT },
  axisLabel: { color: TEXT },
  axisLine: { lineStyle: { color: TEXT } },
  axisTick: { lineStyle: { color: TEXT } },
  splitLine: { lineStyle: { color: LINES } },
  minorTick: { show: false },
  minorSplitLine: { show: false },
};

/** A heading or a caption. */
export function plotText(text: string, left: number | string, top: number, fontSize = 14): unknown {
  return { text, left, top, textStyle: { color: TEXT, fontSize, fontWeight: "normal" } };
}

/** The legend's look. */
export const LEGEND: Readonly<Record<string, unknown>> = { textStyle: { color: TEXT } };

/** Draws what an `option` of Apache ECharts describes into a file of docs/, as SVG without a background. */
export async function drawPlot(
  name: string,
  size: { readonly width: number; readonly height: number },
  option: Readonly<Record<string, unknown>>,
): Promise<void> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-read", "--allow-env", "render.ts"],
    cwd: new URL("plot/", import.meta.url),
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = process.stdin.getWriter();
  const text = { ...option, color: COLOURS, textStyle: { fontFamily: "sans-serif" } };
  await input.write(new TextEncoder().encode(JSON.stringify({ ...size, option: text })));
  await input.close();
  const { success, stdout } = await process.output();
  if (!success) throw new Error("The plot could not be drawn");
  const file = new URL(`../docs/${name}`, import.meta.url);
  await Deno.writeFile(file, stdout);
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", file.pathname] }).output();
}
