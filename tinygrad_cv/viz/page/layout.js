"use strict";
// The layout of what is visible, by Graphviz. Only numbers and sizes go into the DOT text, and only
// numbers come back: no word has to be escaped, and the widths are those of the browser's own fonts.

const HEADING = "600 13px";
const SMALL = "11px";
const TINY = "10px"; // of words along edges
const FONTS = getComputedStyle(document.documentElement).getPropertyValue("--fonts");
const LINE = 13; // the height of a line in a node
const STRIP = 22; // the height of the histograms in a node
const FEW = 24; // nodes: so small a drawing without frames runs from left to right

const canvas = document.createElement("canvas").getContext("2d");
const widths = new Map();

function widthOf(text, font) {
  const key = font + text;
  if (!widths.has(key)) {
    canvas.font = `${font} ${FONTS}`;
    widths.set(key, canvas.measureText(text).width);
  }
  return widths.get(key);
}

/** The size of a node with its text, in points. */
function sizeOf({ heading, lines, shape, closed, strip }) {
  const wide = Math.max(widthOf(heading, HEADING), ...lines.map((line) => widthOf(line, SMALL)));
  if (shape === "plain") return { width: wide + 6, height: 16 };
  const round = shape === "ellipse";
  const width = wide * (round ? 1.15 : 1) + (closed ? 40 : 20);
  const height = 25 + LINE * lines.length + (round ? 3 : 0) + (strip ? STRIP : 0);
  return { width: Math.max(width, strip ? 92 : round ? 30 : 0), height };
}

const box = (width, height) =>
  `<<TABLE BORDER="0" FIXEDSIZE="TRUE" WIDTH="${Math.ceil(width)}" HEIGHT="${height}"><TR><TD></TD></TR></TABLE>>`;

const isAcross = (visible, graph) => visible.items.size <= FEW && !graph.scopes.length;

/** The DOT text. */
function dotText(visible, across, frames, sizes, headers, labels) {
  const room = Math.max(30, ...labels.map(({ value, role }) => widthOf(value + role, TINY) + 24));
  const inches = (points) => (points / 72).toFixed(3);
  const lines = [
    "digraph {",
    `graph [newrank=true, rankdir=${across ? "LR" : "TB"}, nodesep=0.3, ranksep=${across ? inches(room) : 0.4}]`,
    'node [shape=box, fixedsize=true, label=""]',
    "edge [arrowsize=0.6]",
  ];
  const write = (frame) => {
    for (const item of frames.items.get(frame) ?? []) {
      const { width, height } = sizes.get(item.id);
      lines.push(`${item.id} [width=${inches(width)}, height=${inches(height)}]`);
    }
    for (const inside of frames.inside.get(frame) ?? []) {
      lines.push(`subgraph cluster_${inside} { margin=9; labeljust=l; label=${box(headers.get(inside), 14)}`);
      write(inside);
      lines.push("}");
    }
  };
  write(null);
  visible.edges.forEach(({ source, target }, i) => {
    const [from, to] = [visible.items.get(source).part, visible.items.get(target).part];
    // the backward pass runs upwards, next to the forward pass
    if (from === "backward" && to === "backward") lines.push(`${target} -> ${source} [dir=back, weight=3, id=${i}]`);
    else lines.push(`${source} -> ${target} [${from === to ? "weight=3" : "constraint=false"}, id=${i}]`);
  });
  visible.ties.forEach(({ source, target }, i) => {
    lines.push(`${source} -> ${target} [id=t${i}, dir=none, minlen=0, weight=2]`);
  });
  lines.push("}");
  return lines.join("\n");
}

/** The frames around the visible items, as a tree. */
function framesOf(visible, graph) {
  const frames = { items: new Map(), inside: new Map() };
  const seen = new Set();
  const push = (map, key, value) => (map.has(key) ? map.get(key).push(value) : map.set(key, [value]));
  for (const item of visible.items.values()) {
    push(frames.items, item.frame, item);
    const around = item.frame === null ? [] : graph.around(item.frame);
    around.forEach((scope, i) => {
      if (seen.has(scope)) return;
      seen.add(scope);
      push(frames.inside, around[i + 1] ?? null, scope);
    });
  }
  return frames;
}

const numbers = (text) => text.split(/[ ,]/).map(Number);

/** The positions: boxes of nodes and frames, curves of edges, places of labels; y grows downwards. */
function places(viz, dot) {
  const result = viz.render(dot, { format: "json0" });
  if (result.status !== "success") throw new Error(result.errors.map((error) => error.message).join("; "));
  const drawn = JSON.parse(result.output);
  const [, , width, height] = numbers(drawn.bb);
  const flip = (y) => height - y;
  const nodes = new Map();
  const frames = new Map();
  for (const object of drawn.objects ?? []) {
    if (object.bb) {
      const [left, bottom, right, top] = numbers(object.bb);
      frames.set(Number(object.name.slice(8)), { x: left, y: flip(top), width: right - left, height: top - bottom });
    } else if (object.pos) {
      const [x, y] = numbers(object.pos);
      nodes.set(object.name, { x, y: flip(y), width: 72 * object.width, height: 72 * object.height });
    }
  }
  const curves = new Map();
  for (const edge of drawn.edges ?? []) if (edge.pos) curves.set(edge.id, curve(edge.pos, flip));
  return { width, height, nodes, frames, curves };
}

/** A spline of Graphviz: a path up to the tip of its arrow, and its points from the source to the target. */
function curve(text, flip) {
  const points = [];
  let start, end;
  for (const part of text.split(" ")) {
    const [x, y] = part
      .replace(/^[se],/, "")
      .split(",")
      .map(Number);
    const point = [x, Number(flip(y).toFixed(1))];
    if (part.startsWith("e")) end = point;
    else if (part.startsWith("s")) start = point;
    else points.push(point);
  }
  if (start) points.reverse();
  const tip = start ?? end;
  return { path: `M${points[0]}C${points.slice(1).join(" ")}${tip ? `L${tip}` : ""}`, points };
}

/** The point of a curve at a distance from its start. */
function along([[x0, y0], [x1, y1], [x2, y2], [x3, y3]], distance) {
  for (let t = 0.05; ; t += 0.05) {
    const [a, b, c, d] = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t ** 3];
    const [x, y] = [a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3];
    if (t >= 0.9 || Math.hypot(x - x0, y - y0) >= distance) return { x, y };
  }
}

const HALF = 6; // of a word's height
const STRAIGHT = 4; // points: a wire that turns no more than this

/** Places labels next to edges, one after another, where they cover no node, no header of a frame and no label. */
class Words {
  constructor(places, headers, across) {
    this.across = across;
    const box = ({ x, y, width, height }) => [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
    this.taken = [...places.nodes.values()].map(box);
    for (const [scope, { x, y }] of places.frames) this.taken.push([x, y, x + headers.get(scope), y + 20]);
  }

  /** Where a label starts: next to its edge, not on the side that it bends to; above it if edges run to the right. */
  put(points, text, distances) {
    const width = widthOf(text, TINY);
    const turn = points[3][this.across ? 1 : 0] - points[0][this.across ? 1 : 0];
    const boxes = distances
      .flatMap((distance) => {
        const { x, y } = along(points, distance);
        const sides = this.across
          ? [
              { x: x - 2, y: y - 8 },
              { x: x - 2, y: y + 9 },
            ]
          : [
              { x: x + 5, y },
              { x: x - 5 - width, y },
            ];
        const away = this.across ? turn < -STRAIGHT : turn > STRAIGHT;
        return away ? sides.reverse() : sides;
      })
      .map(({ x, y }) => [x, y - HALF, x + width, y + HALF]);
    const box = boxes.find((one) => !this.taken.some((other) => overlap(one, other))) ?? boxes[0];
    this.taken.push(box);
    return { x: box[0], y: box[1] + HALF + 4 };
  }
}

const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
