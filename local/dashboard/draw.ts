import { createCanvas, type SKRSContext2D } from "@napi-rs/canvas";
import { z } from "zod";
import type { CloudWatch } from "../cloudwatch/cloudwatch.ts";
import type { MetricId, Series } from "../cloudwatch/series.ts";

const place = { x: z.number(), y: z.number(), width: z.number(), height: z.number() };
const optionsSchema = z.object({ stat: z.string(), label: z.string() });

const widgetSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), ...place, properties: z.object({ markdown: z.string() }) }),
  z.object({
    type: z.literal("alarm"),
    ...place,
    properties: z.object({ title: z.string(), alarms: z.array(z.string()) }),
  }),
  z.object({
    type: z.literal("metric"),
    ...place,
    properties: z.object({
      title: z.string(),
      period: z.number(),
      /** Namespace, name, dimensions by name and value, and at the end the options. */
      metrics: z.array(z.array(z.union([z.string(), optionsSchema]))),
      annotations: z
        .object({ horizontal: z.array(z.object({ label: z.string(), value: z.number() })) })
        .default({ horizontal: [] }),
    }),
  }),
]);

export const dashboardSchema = z.object({ widgets: z.array(widgetSchema) });
type Widget = z.output<typeof widgetSchema>;
type MetricWidget = Extract<Widget, { type: "metric" }>;

/** Pixels of a unit of the dashboard's grid. */
const UNIT = { x: 64, y: 44 } as const;
const COLOURS = ["#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#8c564b", "#17becf"] as const;
const INK = "#16191f";
const PALE = "#879596";
const ALARM = "#d13212";

/** The time that a dashboard shows, in milliseconds since the epoch. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/** Draws a synthesised dashboard with the metrics of the local cloud. Returns a PNG. */
export function drawDashboard(
  { widgets }: z.output<typeof dashboardSchema>,
  cloudWatch: CloudWatch,
  range: TimeRange,
): Buffer {
  const height = Math.max(...widgets.map(({ y, height }) => y + height));
  const canvas = createCanvas(24 * UNIT.x, height * UNIT.y);
  const context = canvas.getContext("2d");
  context.fillStyle = "#f2f3f3";
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (const widget of widgets) {
    context.save();
    context.translate(widget.x * UNIT.x, widget.y * UNIT.y);
    draw(context, widget, cloudWatch, range);
    context.restore();
  }
  return canvas.toBuffer("image/png");
}

function draw(context: SKRSContext2D, widget: Widget, cloudWatch: CloudWatch, range: TimeRange): void {
  const size = { width: widget.width * UNIT.x, height: widget.height * UNIT.y };
  switch (widget.type) {
    case "text":
      write(context, widget.properties.markdown.replace(/^#+ /, ""), 12, 30, INK, "bold 20px sans-serif");
      return;
    case "alarm":
      drawAlarms(context, widget.properties.alarms, cloudWatch, size.width);
      return;
    case "metric":
      drawGraph(context, widget, cloudWatch, range, size);
  }
}

function drawAlarms(
  context: SKRSContext2D,
  arns: readonly string[],
  cloudWatch: CloudWatch,
  width: number,
): void {
  const columns = 7;
  const cell = width / columns;
  arns.forEach((arn, index) => {
    const name = arn.split(":").at(-1) ?? arn;
    const [x, y] = [(index % columns) * cell + 8, 8 + Math.floor(index / columns) * 40];
    context.fillStyle = cloudWatch.state(name) === "ALARM" ? ALARM : "#1d8102";
    context.fillRect(x, y, cell - 12, 32);
    const label = name.replace(/^image-generation-[^-]+-/, "");
    write(context, label, x + 10, y + 21, "white", "14px sans-serif");
  });
}

function drawGraph(
  context: SKRSContext2D,
  { properties }: MetricWidget,
  cloudWatch: CloudWatch,
  range: TimeRange,
  size: { readonly width: number; readonly height: number },
): void {
  const { title, metrics, annotations, period } = properties;
  context.fillStyle = "white";
  context.fillRect(4, 4, size.width - 8, size.height - 8);
  write(context, title, 14, 26, INK, "bold 14px sans-serif");
  const lines = metrics.map((parts) => readLine(parts, cloudWatch, period * 1000, range));
  const limits = annotations.horizontal.map(({ value }) => value);
  const values = lines.flatMap(({ series }) => series.filter((value) => value !== undefined));
  const top = Math.max(...values, ...limits, 1) * 1.1;
  const plot = {
    left: 60,
    top: 40,
    width: size.width - 80,
    height: size.height - 68 - 18 * (lines.length + limits.length),
  };
  const yOf = (value: number) => plot.top + plot.height * (1 - value / top);

  context.lineWidth = 1;
  for (const part of [0, 0.5, 1]) {
    const y = yOf((part * top) / 1.1);
    stroke(context, "#eaeded", [
      [plot.left, y],
      [plot.left + plot.width, y],
    ]);
    const text = ((part * top) / 1.1).toLocaleString("en", { maximumSignificantDigits: 3 });
    write(context, text, 12, y + 4, PALE, "11px sans-serif");
  }
  let legend = plot.top + plot.height + 22;
  context.lineWidth = 2;
  lines.forEach(({ label, series }, index) => {
    const colour = COLOURS[index % COLOURS.length] ?? INK;
    const step = plot.width / Math.max(1, series.length - 1);
    const points = series.flatMap((value, i): [number, number][] =>
      value === undefined ? [] : [[plot.left + i * step, yOf(value)]],
    );
    stroke(context, colour, points);
    context.fillStyle = colour;
    for (const [x, y] of points) context.fillRect(x - 1.5, y - 1.5, 3, 3);
    context.fillRect(plot.left, legend - 8, 10, 8);
    write(context, label, plot.left + 16, legend, INK, "12px sans-serif");
    legend += 18;
  });
  for (const { label, value } of annotations.horizontal) {
    stroke(context, ALARM, [
      [plot.left, yOf(value)],
      [plot.left + plot.width, yOf(value)],
    ]);
    context.fillStyle = ALARM;
    context.fillRect(plot.left, legend - 5, 10, 3);
    write(
      context,
      `${label}: ${value.toLocaleString("en")}`,
      plot.left + 16,
      legend,
      ALARM,
      "12px sans-serif",
    );
    legend += 18;
  }
}

function readLine(
  parts: MetricWidget["properties"]["metrics"][number],
  { store }: CloudWatch,
  periodMs: number,
  { from, to }: TimeRange,
): { readonly label: string; readonly series: Series } {
  const { stat, label } = optionsSchema.parse(parts.at(-1));
  const [namespace = "", name = "", ...pairs] = parts.filter((part) => typeof part === "string");
  const dimensions = Object.fromEntries(
    pairs.flatMap((key, index) => (index % 2 === 0 ? [[key, pairs[index + 1] ?? ""]] : [])),
  );
  const metric: MetricId = { namespace, name, dimensions };
  // A point each minute, of a period that ends there.
  const series: (number | undefined)[] = [];
  for (let end = from + 60_000; end <= to; end += 60_000) {
    series.push(store.statistic(metric, stat, end - periodMs, end));
  }
  return { label, series };
}

function stroke(
  context: SKRSContext2D,
  colour: string,
  points: readonly (readonly [number, number])[],
): void {
  context.strokeStyle = colour;
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.stroke();
}

function write(
  context: SKRSContext2D,
  text: string,
  x: number,
  y: number,
  colour: string,
  font: string,
): void {
  context.fillStyle = colour;
  context.font = font;
  context.fillText(text, x, y);
}
