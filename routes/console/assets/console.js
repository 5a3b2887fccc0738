// What the console does in the browser besides being read: parts of a page that change arrive as server-sent events,
// and figures are drawn as plots by uPlot. Without any of it every page can be read all the same.

/* global uPlot */

const plots = new Map();

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function fade(color, percent) {
  return `color-mix(in srgb, ${color} ${percent}%, transparent)`;
}

/** What the legend says of a value under the pointer; nothing without one. */
const valueOf = (_plot, count) => count === null || count === undefined ? "" : String(count);

/** A figure's series: `[label, color, kind]`, kind being "line", "bars", "points", "low" or "high". */
function seriesOf([label, color, kind], index, all) {
  const stroke = style(`--${color}`);
  if (kind === "low" || kind === "high") {
    return { label, stroke: "transparent", width: 0, points: { show: false } };
  }
  const points = { show: kind === "points" || undefined, size: 6, fill: stroke };
  if (kind === "points") {
    // The two series before it are the ends of its interval.
    const value = (plot, count, series, at) =>
      count === null || at === null
        ? ""
        : `${count} (${plot.data[series - 2][at]} to ${plot.data[series - 1][at]})`;
    return { label, stroke, width: 1.5, points, spanGaps: false, value, interval: true, color: stroke };
  }
  if (kind === "bars") {
    return {
      label,
      stroke,
      value: valueOf,
      width: 0,
      fill: stroke,
      points: { show: false },
      paths: uPlot.paths.bars({ size: [0.8, 24, 3], align: 0 }),
    };
  }
  return {
    label,
    stroke,
    value: valueOf,
    width: 1.5,
    points,
    ...(all.length === 1 && index === 0 ? { fill: fade(stroke, 12) } : {}),
  };
}

/** Bands between each "high" series and the "low" one before it. */
function bandsOf(series) {
  const bands = [];
  series.forEach(([, color, kind], index) => {
    if (kind === "high") bands.push({ series: [index + 1, index], fill: fade(style(`--${color}`), 22) });
  });
  return bands;
}

/** Draws the interval of each point as an upright line: of a day without neighbours there is no band. */
function drawIntervals(plot) {
  const { ctx, data } = plot;
  ctx.save();
  ctx.lineWidth = 1.5 * devicePixelRatio;
  plot.series.forEach(({ interval, color }, index) => {
    if (interval !== true) return;
    ctx.strokeStyle = fade(color, 60);
    data[0].forEach((seconds, at) => {
      if (data[index][at] === null) return;
      const x = plot.valToPos(seconds, "x", true);
      ctx.beginPath();
      ctx.moveTo(x, plot.valToPos(data[index - 2][at], "y", true));
      ctx.lineTo(x, plot.valToPos(data[index - 1][at], "y", true));
      ctx.stroke();
    });
  });
  ctx.restore();
}

const DAY = 86_400;

/** `Jan 15` at midnight and on axes of days, `10:20` between. */
function timeMarks(_plot, marks, _axis, _space, step) {
  return marks.map((seconds) => {
    const date = new Date(seconds * 1000);
    if (step < DAY && seconds % DAY !== 0) return date.toISOString().slice(11, 16);
    return date.toLocaleDateString("en-US", { month: "short", day: "numeric", timeZone: "UTC" });
  });
}

function draw(holder, figure) {
  const { series, times, values } = figure;
  const step = times.length > 1 ? times[1] - times[0] : 60;
  const axis = {
    stroke: style("--muted"),
    grid: { stroke: style("--line"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui, sans-serif",
  };
  const options = {
    width: holder.clientWidth,
    height: 200,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    legend: { live: true },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: {
      x: { range: ({ data: [at] }) => [at[0] - step / 2, at.at(-1) + step / 2] },
      y: { range: (_plot, low, high) => [Math.min(0, low), Math.max(1, high * 1.08)] },
    },
    axes: [
      {
        ...axis,
        space: 64,
        size: 28,
        values: timeMarks,
        ...(step < DAY ? {} : { incrs: [DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY] }),
      },
      {
        ...axis,
        size: 46,
        space: 36,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7],
        values: (_plot, marks) => marks.map((mark) => mark >= 1e4 ? `${mark / 1e3}k` : String(mark)),
      },
    ],
    series: [
      {
        label: "Time (UTC)",
        value: (_plot, seconds) =>
          seconds === null ? "" : new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " "),
      },
      ...series.map(seriesOf),
    ],
    bands: bandsOf(series),
    hooks: { draw: [drawIntervals] },
  };
  holder.replaceChildren();
  plots.set(holder, new uPlot(options, [times, ...values], holder));
  const entries = holder.querySelectorAll(".u-legend .u-series");
  series.forEach(([, , kind], index) => {
    if (kind === "low" || kind === "high") entries[index + 1].hidden = true;
  });
}

function figureOf(holder) {
  return JSON.parse(document.getElementById(holder.dataset.figure).textContent);
}

function drawAll() {
  for (const holder of plots.keys()) if (!holder.isConnected) plots.delete(holder);
  for (const holder of document.querySelectorAll(".plot[data-figure]")) {
    const figure = figureOf(holder);
    const plot = plots.get(holder);
    if (plot === undefined) draw(holder, figure);
    else plot.setData([figure.times, ...figure.values]);
  }
}

function redrawAll() {
  for (const [holder, plot] of plots) {
    plot.destroy();
    draw(holder, figureOf(holder));
  }
}

/** Replaces what has changed; a part that holds the focus is left alone until it is free. */
function apply({ parts = {}, figures = {} }) {
  for (const [id, html] of Object.entries(parts)) {
    const part = document.getElementById(id);
    if (part === null || part.contains(document.activeElement)) continue;
    const open = [...part.querySelectorAll("details")].map((details) => details.open);
    part.innerHTML = html;
    part.querySelectorAll("details").forEach((details, index) => details.open = open[index] ?? false);
  }
  for (const [id, figure] of Object.entries(figures)) {
    const script = document.getElementById(id);
    if (script !== null) script.textContent = JSON.stringify(figure);
  }
  drawAll();
}

function listen() {
  const { live } = document.body.dataset;
  if (live === undefined) return;
  const state = document.getElementById("live-state");
  const say = (text, dot) => {
    if (state === null) return;
    state.textContent = text;
    state.className = dot;
  };
  const source = new EventSource(live);
  source.onopen = () => say("Live", "dot good live-dot");
  source.onmessage = (event) => apply(JSON.parse(event.data));
  source.onerror = () => {
    say("Reconnecting", "dot warn");
    // The session has ended, or the service refuses: a page that is asked for again says which.
    if (source.readyState === EventSource.CLOSED) say("Not live: load the page again", "dot bad");
  };
}

/** The link that development prints carries the admin token behind the #, which no server ever sees. */
function fillInToken() {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1];
  const field = document.querySelector("input[name=token]");
  if (token === undefined || field === null) return;
  history.replaceState(null, "", location.pathname);
  field.value = decodeURIComponent(token);
  document.querySelector("button.primary")?.focus();
}

if (typeof uPlot !== "undefined") {
  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
  addEventListener("resize", () => {
    for (const [holder, plot] of plots) plot.setSize({ width: holder.clientWidth, height: 200 });
  });
}
fillInToken();
listen();
