"use strict";
// The text in nodes and along edges: names, lines, formulas.

const SYMMETRIC = new Set(["add", "mul", "maximum", "equal"]); // which operand is which makes no difference
const FORMULA = 24; // characters: longer formulas go into the panel
const NAME = 48; // characters: longer names are cut

const cut = (text) => ([...text].length <= NAME ? text : `${[...text].slice(0, NAME - 1).join("")}…`);
const layerName = (name) => (/^\d+$/.test(name) ? word("layer")(name) : name);
const joined = (...parts) => parts.filter(Boolean).join(" · ");

/** The line below the name of an operation: its arguments, or a short formula. */
const lineOf = (node) => node.detail || ((node.formula ?? "").length <= FORMULA ? node.formula : "") || "";

/** The node whose value an item shows. */
const resultOf = (graph, item) => item.node ?? graph.group(item.scope, item.part).result;

/** The name of an item. */
function nameOf(graph, item) {
  if (!item.node) {
    const { does, name } = graph.group(item.scope, item.part);
    if (graph.isBackward(item.scope)) return word("backward");
    const called = does ? operationName(does, does) : name;
    const suffix = item.part === "backward" ? ` ${word("backward")}` : "";
    return called + suffix;
  }
  const { node } = item;
  if (isOperation(node)) return operationName(node.op, node.label);
  if (node.kind === "constant") return node.name || node.value || termOf(KINDS, node.kind);
  const inside = item.frame !== undefined && item.frame !== null; // where the frame says whose it is
  return (inside ? node.name?.split(".").at(-1) : node.name) || termOf(KINDS, node.kind);
}

/** The text and the shape of an item. */
function lookOf(graph, item, recorded) {
  const heading = cut(nameOf(graph, item));
  const strip = recorded.has(resultOf(graph, item)?.number);
  if (!item.node) {
    const { does, name, kind, parameters, family, colour, shade } = graph.group(item.scope, item.part);
    const count = parameters ? word("count")(numberText(parameters)) : "";
    const lines = [cut(joined(does && kind === "module" ? layerName(name) : "", count))].filter(Boolean);
    return { heading, lines, shape: "box", closed: true, strip, colour, shade, classes: ["group", family] };
  }
  const { node } = item;
  const shape = isOperation(node) ? "box" : node.kind === "constant" ? "plain" : "ellipse";
  let line = "";
  if (node.kind === "op") line = lineOf(node);
  else if (node.kind === "group") line = joined(layerName(node.name ?? ""), node.detail);
  else if (node.kind === "output") line = node.value || shapeText(node.shape);
  else if (node.kind === "input" || node.kind === "leaf") line = node.value ?? "";
  const plain = shape === "plain";
  const lines = plain ? [] : [line, node.note].filter(Boolean).map(cut);
  const classes = [node.kind, node.family];
  return { heading, lines, shape, closed: false, strip: strip && !plain, colour: node.colour, classes };
}

/** The text of an edge: a name, and the shape or single number; without what its source already shows. */
function valueText(graph, { edge }) {
  const source = graph.nodes[edge.source];
  const target = graph.nodes[edge.target];
  if (partOf(target) === "backward" || target.kind === "output") return edge.note ?? "";
  const one = edge.shape && edge.shape.every((n) => n === 1);
  const repeated = source.kind === "constant" && source.value && !source.value.startsWith("[");
  let text = [edge.name, shapeText(edge.shape)].filter(Boolean).join(" ");
  if (!isOperation(source)) text = source.value && (one || repeated) ? "" : shapeText(edge.shape);
  else if (one && edge.value) text = edge.name ? `${edge.name} = ${edge.value}` : edge.value;
  return cut([text, edge.note].filter(Boolean).join(": "));
}

/** The name of an edge in the target's formula, if that is visible. */
function roleText(graph, { edge, single }) {
  const target = graph.nodes[edge.target];
  const named = single && target.kind === "op" && !SYMMETRIC.has(target.op) && lineOf(target) === target.formula;
  return (named && edge.role) || "";
}

/** The labels of edges. All edges of a source carry the same value, so only one of them is labelled. */
function edgeLabels(graph, edges) {
  const said = new Set();
  return edges.map((edge) => {
    const value = valueText(graph, edge);
    const key = `${edge.source}:${value}`;
    const first = !said.has(key);
    said.add(key);
    return { value: first ? value : "", role: roleText(graph, edge) };
  });
}

/** The cotangents that an operation passes to its inputs, a line each. */
function derivatives(graph, number) {
  return graph.inputs[number]
    .filter((edge) => edge.derivative)
    .map((edge) => ({ edge, text: `∂L/∂${edge.role || "x"} = ${edge.derivative}` }));
}
