"use strict";
// The records, and the part of them that is visible when some scopes are closed. Nothing here touches the document.

const HEAVY = ["custom", "contraction", "window", "reduction", "elementwise"]; // which operation colours a layer
const MOST = 2000; // nodes: layout takes seconds beyond

const shapeText = (shape) => (shape ? shape.join("×") : "?");
const isOperation = (node) => node.kind === "op" || node.kind === "group";
const partOf = (node) => (node.part === "backward" ? "backward" : "forward");

class Graph {
  constructor({ nodes, edges, scopes, run = [] }) {
    Object.assign(this, { nodes, edges, scopes, run });
    for (const node of nodes) {
      const derived = node.scope === undefined && node.origin !== undefined;
      node.scope = (derived ? nodes[node.origin].scope : node.scope) ?? null;
    }
    for (const scope of scopes) scope.parent ??= null;
    this.inputs = nodes.map(() => []);
    this.users = nodes.map(() => []);
    this.derived = nodes.map(() => []); // backward nodes, by their origin
    for (const edge of edges) {
      this.inputs[edge.target].push(edge);
      this.users[edge.source].push(edge);
    }
    for (const { number } of nodes.filter((node) => !isOperation(node) && !node.part)) {
      const users = this.users[number];
      if (users.length && users.every((edge) => nodes[edge.target].part === "backward"))
        nodes[number].part = "backward";
    }
    for (const node of nodes) if (node.origin !== undefined) this.derived[node.origin].push(node.number);
    for (const node of nodes)
      if (node.kind === "parameter") node.scope = this.sharedScope(this.forwardUsers(node.number));
    this.placeGradients();
    this.readScopes();
    this.groups = new Map();
  }

  /** The gradient of a parameter is drawn with the operation that computes it, the parameter with its users. */
  placeGradients() {
    const parameters = this.nodes.filter((node) => node.kind === "parameter").map((node) => `d${node.name}`);
    this.gradients = new Map(); // of parameters: the number of the node that makes it
    const names = new Set(parameters);
    for (const node of this.nodes) {
      if (node.kind !== "output" || node.part !== "backward" || !names.has(node.name)) continue;
      const [{ source }] = this.inputs[node.number];
      node.scope = this.nodes[source].scope;
      this.gradients.set(node.number, source);
    }
  }

  /** The edges to users in the forward pass, or to all users if there are none. */
  forwardUsers(number) {
    const users = this.users[number];
    const forward = users.filter((edge) => partOf(this.nodes[edge.target]) === "forward");
    return forward.length ? forward : users;
  }

  /** A scope and those around it, outermost first. */
  chain(scope) {
    const found = [];
    for (let s = scope; s !== null; s = this.scopes[s].parent) found.unshift(s);
    return found;
  }

  /** The innermost scope around all of some edges' targets. */
  sharedScope(edges) {
    const [first = [], ...others] = edges.map((edge) => this.chain(this.nodes[edge.target].scope));
    return first.findLast((scope, i) => others.every((chain) => chain[i] === scope)) ?? null;
  }

  /** Finds the scopes that can be closed, and the layers that share a level with the only function they call. */
  readScopes() {
    const count = this.scopes.length;
    this.children = Array.from({ length: count }, () => []);
    this.members = Array.from({ length: count }, () => []);
    this.holders = new Set();
    this.inner = new Map(); // function -> its layer
    this.function = new Map(); // layer -> its function
    const busy = new Set();
    for (const scope of this.scopes) {
      if (scope.parent !== null) this.children[scope.parent].push(scope.number);
      if (scope.kind === "module") this.chain(scope.parent).forEach((around) => this.holders.add(around));
    }
    for (const node of this.nodes) {
      const around = this.chain(node.scope);
      around.forEach((scope) => this.members[scope].push(node.number));
      if (node.kind === "group") around.forEach((scope) => this.holders.add(scope)); // of what was collapsed before
      if (node.kind === "op" && partOf(node) === "forward") busy.add(node.scope);
    }
    for (const scope of this.scopes) {
      const [only, ...others] = this.children[scope.number];
      if (this.isBackward(scope.number)) continue; // a frame, and no layer
      const thin = only !== undefined && !others.length && this.scopes[only].kind === "function";
      if (!thin || scope.kind !== "module" || busy.has(scope.number)) continue;
      this.inner.set(only, scope.number);
      this.function.set(scope.number, only);
    }
  }

  /** The scopes that are closed at first: layers, and what they compose. */
  layers() {
    const closable = (s) => !this.holders.has(s.number) && !this.inner.has(s.number) && !this.isBackward(s.number);
    return new Set(this.scopes.filter(closable).map((scope) => scope.number));
  }

  /** The scopes around a node or scope, innermost first; a layer includes the function that it shares a level with. */
  around(scope) {
    return this.chain(scope)
      .filter((s) => !this.inner.has(s))
      .reverse();
  }

  /** The pass that a scope is part of. */
  partOfScope(scope) {
    return this.members[scope].some((n) => partOf(this.nodes[n]) === "forward") ? "forward" : "backward";
  }

  /** Whether a scope is the frame around the whole backward pass. */
  isBackward(scope) {
    const { name, parent } = this.scopes[scope];
    return name === "backward" && parent === null && this.partOfScope(scope) === "backward";
  }

  path(scope) {
    return this.chain(scope)
      .map((s) => this.scopes[s].name)
      .join(" / ");
  }

  /** What is drawn: items (nodes and closed scopes) by id, edges, ties from backward to forward, open frames. */
  visible(closed) {
    const outermost = []; // for each scope, the closed one that hides it
    const frame = []; // for each scope, the innermost one that is drawn as a frame around its nodes
    for (const { number, parent } of this.scopes) {
      const above = parent === null ? null : outermost[parent];
      outermost.push(above ?? (closed.has(number) ? number : null));
      const outer = parent === null ? null : frame[parent];
      frame.push(outermost[number] !== null || this.inner.has(number) ? outer : number);
    }
    const items = new Map();
    const home = this.homes(outermost);
    const absorbed = (node) => !isOperation(node) && home[node.number].startsWith("g");
    // a layer comes where its first operation was, not where its first parameter was
    for (const node of [...this.nodes.filter((one) => !absorbed(one)), ...this.nodes.filter(absorbed)]) {
      const id = home[node.number];
      if (items.has(id)) {
        items.get(id).numbers.push(node.number);
      } else if (id.startsWith("n")) {
        const place = node.scope === null ? null : frame[node.scope];
        items.set(id, { id, node, frame: place, numbers: [node.number], part: partOf(node) });
      } else {
        const scope = Number(id.slice(1, -1));
        const { parent } = this.scopes[scope];
        const place = parent === null ? null : frame[parent];
        const part = id.endsWith("b") ? "backward" : "forward";
        items.set(id, { id, scope, frame: place, numbers: [node.number], part });
      }
    }
    const all = items.size;
    if (all > MOST) for (const id of [...items.keys()].slice(MOST)) items.delete(id);
    return { items, home, all, ...this.connections(items, home) };
  }

  /** For each node, the id of the item that shows it. */
  homes(outermost) {
    const group = (scope, part) => `g${scope}${part[0]}`;
    const home = this.nodes.map((node) => {
      const hidden = node.scope === null ? null : outermost[node.scope];
      return isOperation(node) && hidden !== null ? group(hidden, partOf(node)) : `n${node.number}`;
    });
    for (const node of this.nodes) {
      if (node.kind !== "parameter" && node.kind !== "constant") continue;
      const [only, ...others] = new Set(this.forwardUsers(node.number).map((edge) => home[edge.target]));
      if (only?.startsWith("g") && !others.length) home[node.number] = only;
    }
    for (const [number, source] of this.gradients) if (home[source].startsWith("g")) home[number] = home[source];
    return home;
  }

  /** Edges between items, and ties; none for values that a layer saved itself: its two passes are side by side. */
  connections(items, home) {
    const pairs = new Map();
    for (const node of this.nodes) {
      if (node.origin === undefined) continue;
      const source = home[node.origin];
      const target = home[node.number];
      if (source !== target && items.has(source) && items.has(target))
        pairs.set(`${source}>${target}`, { source, target });
    }
    const edges = new Map();
    for (const edge of this.edges) {
      const source = home[edge.source];
      const target = home[edge.target];
      if (source === target || !items.has(source) || !items.has(target)) continue;
      const single = target.startsWith("n");
      const crosses = items.get(source).part !== items.get(target).part;
      if (crosses && !single && pairs.has(`${source}>${target}`)) continue;
      const key = single
        ? `${edge.source}>${target}>${edge.place ?? 0}`
        : `${crosses ? source : edge.source}>${target}`;
      if (!edges.has(key)) edges.set(key, { key, source, target, edge, single });
    }
    return { edges: [...edges.values()], ties: this.ties([...pairs.values()]) };
  }

  /** The ties to draw: one for each forward item, and one for each closed backward layer. */
  ties(pairs) {
    const first = new Map();
    for (const pair of pairs) if (!first.has(pair.source)) first.set(pair.source, pair);
    const ties = new Map();
    for (const pair of first.values()) {
      const key = pair.target.startsWith("g") ? pair.target : pair.source;
      if (!ties.has(key)) ties.set(key, pair); // the backward pass begins at the result
    }
    return [...ties.values()];
  }

  /** What is shown of a closed scope: its words, colour, result and sums. */
  group(scope, part) {
    const key = `${scope}${part}`;
    if (!this.groups.has(key)) this.groups.set(key, this.summarize(scope, part));
    return this.groups.get(key);
  }

  summarize(number, part) {
    const scope = this.scopes[number];
    const members = this.members[number].map((n) => this.nodes[n]).filter((node) => partOf(node) === part);
    const inside = new Set(members.map((node) => node.number));
    const operations = members.filter(isOperation);
    const called = this.scopes[this.function.get(number) ?? number];
    const single = scope.kind === "module" && operations.length === 1;
    const does = called.kind === "function" ? called.name : single ? operations[0].op : "";
    const families = new Set(operations.map((node) => node.family));
    const pools = /pool/i.test(does || scope.name) && !families.has("custom"); // over everything too
    const leaving = (node) =>
      this.users[node.number].some(({ target }) => !inside.has(target) && partOf(this.nodes[target]) === part);
    const own = this.nodes[scope.result];
    const handed = own && partOf(own) === part ? own : undefined;
    const size = (node) => (node.shape ?? []).reduce((a, b) => a * b, 1);
    const sum = (key) => members.reduce((total, node) => total + (node[key] ?? 0), 0);
    return {
      does,
      name: scope.name,
      kind: scope.kind,
      operations: operations.length,
      family: pools ? "window" : (HEAVY.find((family) => families.has(family)) ?? operations[0]?.family ?? ""),
      arguments: scope.arguments ?? "",
      result: handed ?? operations.findLast(leaving) ?? operations.at(-1) ?? members[0],
      parameters: members.filter((node) => node.kind === "parameter").reduce((total, node) => total + size(node), 0),
      shade: scope.colour,
      colour: members.find((node) => node.colour)?.colour,
      saved: sum("saved"),
      seconds: sum("seconds"),
      source: operations[0]?.source ?? "",
    };
  }

  /** The edges into a closed scope, and those out of it. */
  border(number, part) {
    const inside = new Set(this.members[number].filter((n) => partOf(this.nodes[n]) === part));
    const crossing = (edges, end) => [...inside].flatMap((n) => edges[n]).filter((edge) => !inside.has(edge[end]));
    return { inputs: crossing(this.inputs, "source"), users: crossing(this.users, "target") };
  }

  /** The scopes and nodes that have all of some words, best first. */
  search(text) {
    const words = text
      .toLowerCase()
      .replace(/(\d)\s*[x*×,]\s*(?=\d)/g, "$1×")
      .split(/\s+/)
      .filter(Boolean);
    if (!words.length) return [];
    this.index ??= this.entries();
    const found = [];
    for (const entry of this.index) {
      if (!words.every((w) => entry.words.some((own) => own.includes(w)))) continue;
      const exact = words.filter((w) => entry.words.includes(w)).length;
      found.push({ entry, score: 2 * exact + (entry.scope !== undefined ? 1 : 0) });
    }
    return found.sort((a, b) => b.score - a.score).map(({ entry }) => entry);
  }

  entries() {
    const lower = (parts) => parts.filter(Boolean).map((part) => String(part).toLowerCase());
    const own = this.scopes.filter((scope) => !this.inner.has(scope.number) && this.members[scope.number].length);
    return [
      ...own.map((scope) => {
        const does = this.function.has(scope.number) ? this.scopes[this.function.get(scope.number)].name : scope.name;
        const path = this.path(scope.number).replaceAll(" / ", ".");
        return { scope: scope.number, words: lower([scope.name, path, does, KOREAN[does], scope.kind]) };
      }),
      ...this.nodes.map((node) => {
        const kind = KINDS[node.kind] ?? [];
        const shape = node.shape ? shapeText(node.shape) : "";
        const facts = [node.name, node.op, node.label, shape, node.module, node.function, node.source];
        const qualified = node.module && node.name ? `${node.module}.${node.name}` : "";
        return {
          node: node.number,
          words: lower([...facts, ...(node.module ?? "").split("."), qualified, KOREAN[node.op], ...kind]),
        };
      }),
    ];
  }
}
