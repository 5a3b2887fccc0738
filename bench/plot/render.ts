/**
 * Draws one picture: reads `{width, height, option}` as JSON from standard input, where `option` is Apache ECharts', and
 * writes SVG to standard output. A process of its own, so that ECharts stays out of the service's dependencies.
 *
 * @module
 */
// Not a literal, since the service's own import map and lock file do not know this package.
const packageName = "echarts";
const echarts = await import(packageName);
const { width, height, option } = await new Response(Deno.stdin.readable).json();
const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
chart.setOption({ ...option, animation: false });
// Without the style that makes parts light up under a pointer: a picture in a page has none.
const svg = chart.renderToSVGString().replace(/<style[^]*?<\/style>/, "").replaceAll(/ class="[^"]*"/g, "");
await Deno.stdout.write(new TextEncoder().encode(svg));
chart.dispose();
