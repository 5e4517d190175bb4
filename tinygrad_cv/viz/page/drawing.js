"use strict";
// The picture: elements of nodes, edges and frames, where the layout puts them.

/** A colour of the records, weaker if the page is dark. */
const shaded = (colour) => `color-mix(in srgb, ${colour} var(--shade), var(--ground))`;

class Picture {
  /** Draws what is visible; elements of the previous picture that look the same are used again. */
  constructor(viz, graph, closed, recorded, before = null) {
    this.graph = graph;
    this.visible = graph.visible(closed);
    const { items, edges, ties } = this.visible;
    const frames = framesOf(this.visible, graph);
    this.looks = new Map([...items.values()].map((item) => [item.id, lookOf(graph, item, recorded)]));
    const sizes = new Map([...this.looks].map(([id, look]) => [id, sizeOf(look)]));
    this.headers = new Map();
    for (const inside of frames.inside.values()) {
      for (const scope of inside) this.headers.set(scope, widthOf(this.headerText(scope), "11px") + 26);
    }
    this.labels = edgeLabels(graph, edges);
    this.across = isAcross(this.visible, graph);
    this.dot = dotText(this.visible, this.across, frames, sizes, this.headers, this.labels);
    this.places = places(viz, this.dot);
    this.elements = new Map(); // of items, by id; of frames, by scope
    this.made = new Map(); // all elements, by what they look like
    this.strips = [];
    const old = before?.made ?? new Map();
    /** Only new elements cost a browser much; moving them costs little. */
    this.element = (key, make) => {
      const element = old.get(key) ?? make();
      this.made.set(key, element);
      return element;
    };
    const outermostFirst = [...this.places.frames.keys()].sort((a, b) => a - b);
    this.content = [
      ...outermostFirst.map((scope) => this.frame(scope)),
      ...ties
        .map((_, i) => this.places.curves.get(`t${i}`))
        .filter(Boolean)
        .map(({ path }) => svg("path", { class: "tie", d: path })),
      ...edges.map((edge, i) => this.edge(edge, i)).filter(Boolean),
      ...this.words(edges), // above all wires
      ...[...items.values()].map((item) => this.node(item)),
    ];
  }

  calledBy(scope) {
    const inner = this.graph.function.get(scope);
    const called = this.graph.scopes[inner ?? scope];
    return called.kind === "function" ? operationName(called.name, called.name) : "";
  }

  headerText(scope) {
    const { name, kind } = this.graph.scopes[scope];
    if (this.graph.isBackward(scope)) return word("backward");
    return cut([kind === "function" ? "" : name, this.calledBy(scope)].filter(Boolean).join(" "));
  }

  frame(scope) {
    const { x, y, width, height } = this.places.frames.get(scope);
    const { kind } = this.graph.scopes[scope];
    const text = this.headerText(scope);
    const label = {
      role: "button",
      tabindex: "0",
      "aria-expanded": "true",
      "aria-label": `${text}, ${word("closes")}`,
    };
    const wide = Math.min(width, this.headers.get(scope) + 4);
    const element = this.element(`frame ${scope} ${language} ${width} ${height}`, () => {
      const header = svg(
        "g",
        { class: "header", "data-close": scope, ...label },
        svg("rect", { width: wide, height: 20, rx: 5 }),
        svg("text", { class: "sign", x: 11, y: 14 }, "−"),
        svg("text", { class: kind === "function" ? "called" : "", x: 21, y: 14 }, text),
      );
      const ground = svg("rect", { class: "ground", width, height, rx: 6 });
      const { colour } = this.graph.scopes[scope];
      if (colour) ground.style.fill = shaded(colour);
      return svg("g", { class: `frame ${kind === "function" ? "function" : "module"}` }, ground, header);
    });
    this.elements.set(scope, element);
    return moved(element, x, y);
  }

  edge(edge, i) {
    const place = this.places.curves.get(String(i));
    if (!place) return null;
    const { items } = this.visible;
    const [from, to] = [items.get(edge.source).part, items.get(edge.target).part];
    const element = this.element(`edge ${edge.key}`, () => {
      const wire = svg("path", { class: "wire" });
      if (edge.edge.colour) wire.style.stroke = edge.edge.colour;
      return svg("g", { class: `edge ${from === to ? to : "kept"}` }, svg("path", { class: "hit" }), wire);
    });
    element.dataset.edge = i;
    for (const path of element.children) path.setAttribute("d", place.path);
    return element;
  }

  /** The labels of edges: the value at the source, its name in the target's formula at the target. */
  words(edges) {
    const words = new Words(this.places, this.headers, this.across);
    const text = (key, name, points, written, distances) => {
      if (!written) return null;
      const { x, y } = words.put(points, written, distances);
      return moved(
        this.element(`${name} ${key} ${written}`, () => svg("text", { class: `word ${name}` }, written)),
        x,
        y,
      );
    };
    return edges
      .flatMap(({ key }, i) => {
        const { value, role } = this.labels[i];
        const { points } = this.places.curves.get(String(i)) ?? {};
        if (!points) return [];
        const back = [...points].reverse();
        return [text(key, "role", back, role, [9, 14, 20]), text(key, "value", points, value, [13, 22, 32, 44, 60])];
      })
      .filter(Boolean);
  }

  node(item) {
    const look = this.looks.get(item.id);
    const { x, y, width, height } = this.places.nodes.get(item.id);
    const result = resultOf(this.graph, item);
    const shape = shapeText(result?.shape);
    const label = joined(look.heading, ...look.lines, shape, look.closed ? word("opens") : "");
    const key = JSON.stringify([item.id, item.part, look, label, width, height]);
    const element = this.element(key, () => this.newNode(item, look, label, width, height));
    if (look.strip) {
      const inset = look.shape === "ellipse" ? width * 0.2 : 8;
      const box = {
        x: inset - width / 2,
        y: height / 2 - STRIP - 2,
        width: width - 2 * inset,
        height: STRIP - 3,
      };
      this.strips.push({ element, box, number: result.number });
    }
    this.elements.set(item.id, element);
    return moved(element, x, y);
  }

  /** A node around the origin. */
  newNode(item, look, label, width, height) {
    const [left, top] = [-width / 2, -height / 2];
    const middle = look.strip ? -STRIP / 2 : 0;
    const words = middle - look.lines.length * (LINE / 2) + 4;
    const centre = look.closed ? 6 : 0;
    const shape =
      look.shape === "ellipse"
        ? svg("ellipse", { class: "shape", rx: width / 2, ry: height / 2 })
        : svg("rect", { class: "shape", x: left, y: top, width, height, rx: 5 });
    if (look.shade) shape.style.fill = shaded(look.shade);
    if (look.colour) Object.assign(shape.style, { stroke: look.colour, strokeWidth: 2 });
    const known = look.classes.filter((name) => name in KINDS || name in FAMILIES);
    return svg(
      "g",
      {
        class: ["node", ...known, item.part].join(" "),
        "data-item": item.id,
        tabindex: "0",
        role: "button",
        "aria-label": label,
        "aria-expanded": look.closed ? "false" : undefined,
      },
      shape,
      look.closed && svg("text", { class: "sign", x: left + 10, y: middle + 4 }, "+"),
      svg("text", { class: "heading", x: centre, y: words }, look.heading),
      look.lines.map((line, i) => svg("text", { class: "line", x: centre, y: words + (i + 1) * LINE }, line)),
    );
  }

  /** What depends on the step of a run: histograms of value and gradient, marks of numbers that are not finite. */
  showFacts(factsOf) {
    for (const { element, box, number } of this.strips) {
      element.querySelectorAll(".strip").forEach((old) => old.remove());
      const facts = factsOf(number);
      const present = ["statistics", "gradient"].filter((which) => facts[which]?.histogram);
      const width = (box.width - 6 * (present.length - 1)) / present.length;
      present.forEach((which, i) => {
        const path = bars(facts[which].histogram, box.x + i * (width + 6), box.y, width, box.height);
        element.append(svg("path", { class: `strip ${which}`, d: path }));
      });
    }
    const broken = (facts) => facts && (facts.nan > 0 || facts.infinite > 0);
    const alarming = (number) =>
      [factsOf(number)].some(({ statistics, gradient }) => broken(statistics) || broken(gradient));
    for (const { id, numbers } of this.visible.items.values()) {
      this.elements.get(id).classList.toggle("alarm", numbers.some(alarming));
    }
  }

  /** The box of an item or frame. */
  boxOf(key) {
    const frame = this.places.frames.get(key);
    if (frame) return frame;
    const place = this.places.nodes.get(key);
    return place && { ...place, x: place.x - place.width / 2, y: place.y - place.height / 2 };
  }

  /** The nearest node in a direction. */
  neighbour(id, [dx, dy]) {
    const from = this.places.nodes.get(id);
    let best = null;
    let least = Infinity;
    for (const [other, place] of this.places.nodes) {
      const along = (place.x - from.x) * dx + (place.y - from.y) * dy;
      if (other === id || along < 8) continue;
      const aside = Math.abs((place.x - from.x) * dy) + Math.abs((place.y - from.y) * dx);
      if (along + 2 * aside < least) [best, least] = [other, along + 2 * aside];
    }
    return best;
  }

  /** The first node inside a frame. */
  firstIn(scope) {
    const { x, y, width, height } = this.places.frames.get(scope);
    const inside = ([, at]) => at.x > x && at.x < x + width && at.y > y && at.y < y + height;
    const [first] = [...this.places.nodes].filter(inside).sort(([, a], [, b]) => a.y - b.y || a.x - b.x);
    return first?.[0];
  }

  /** The tooltip of an item. */
  aboutItem(id) {
    const item = this.visible.items.get(id);
    const { node } = item;
    const result = resultOf(this.graph, item);
    const local = node ? derivatives(this.graph, node.number).map(({ text }) => text) : [];
    const lines = [
      joined(nameOf(this.graph, item), node ? node.name : this.graph.path(item.scope)),
      result &&
        joined(result.shape?.length === 0 ? word("scalar") : shapeText(result.shape), result.dtype, result.value),
      node?.formula,
      ...local,
      node ? joined(node.detail, node.source) : word("opens"),
    ];
    return lines.filter(Boolean).join("\n");
  }

  /** The tooltip of an edge. */
  aboutEdge(i) {
    const { edge } = this.visible.edges[i];
    const [source, target] = [edge.source, edge.target].map((n) => this.graph.nodes[n]);
    const name = (node) => nameOf(this.graph, { node, part: partOf(node) });
    const local = derivatives(this.graph, target.number)
      .filter((one) => one.edge === edge)
      .map(({ text }) => text);
    const flow = joined(edge.name, shapeText(edge.shape), edge.value);
    return [`${name(source)} → ${name(target)}`, flow, ...local, edge.note].filter(Boolean).join("\n");
  }
}
