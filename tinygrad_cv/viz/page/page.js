"use strict";
// The page: its state, and what happens on a click, a key, a step.

const STILL = 5; // pixels: a pointer that moved further has dragged, not clicked
const WARM = 3; // layouts ahead of the first that somebody waits for
const QUICK = 400; // nodes: layouts that nobody notices
const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

class Page {
  constructor(graph, viz) {
    Object.assign(this, { graph, viz });
    this.closed = graph.layers();
    this.selected = null; // {node} or {scope, part}
    this.stage = new Stage(byId("drawing"));
    this.panel = new Panel(byId("panel"), graph, (target) => this.reveal(target));
    this.finder = new Finder(byId("search"), byId("results"), graph, (target) => this.reveal(target));
    this.run = new Run(graph.run, () => this.showStep());
    this.listen();
    this.speak(navigator.language.startsWith("ko") ? "ko" : "en");
    this.reset(this.closed);
    this.warm(WARM);
  }

  /** Repeats the layout while the browser is idle, so that its code is compiled when a layer is opened. */
  warm(times) {
    if (!times || !this.closed.size || !this.picture || this.picture.visible.items.size > QUICK) return;
    const whenIdle = globalThis.requestIdleCallback ?? setTimeout;
    whenIdle(() => {
      places(this.viz, this.picture.dot);
      this.warm(times - 1);
    });
  }

  // Drawing

  /** Lays out and draws what is visible. Returns whether that succeeded. */
  draw() {
    performance.mark("draw");
    try {
      this.picture = new Picture(this.viz, this.graph, this.closed, this.run.recorded, this.picture);
    } catch (error) {
      this.notice(`${word("failed")}: ${error.message}`);
      return false;
    }
    arrange(byId("viewport"), this.picture.content);
    this.picture.showFacts((number) => this.factsOf(number));
    const { items, all } = this.picture.visible;
    this.notice(items.size < all ? word("cut")(items.size, all) : "");
    this.mark();
    performance.measure("draw", "draw");
    return true;
  }

  /** Draws with these scopes closed, from the beginning. */
  reset(closed) {
    this.closed = closed;
    this.selected = null;
    if (this.draw()) this.stage.begin(this.picture.places);
    this.show();
  }

  /** Draws with these scopes closed, and keeps an item where it was. */
  redraw(closed, before, after) {
    const box = this.picture.boxOf(before);
    const was = box && this.stage.onScreen(box);
    const old = this.closed;
    this.closed = closed;
    if (!this.draw()) this.closed = old;
    else if (was && this.picture.boxOf(after)) this.stage.pin(this.picture.boxOf(after), was);
  }

  // Opening, closing, selecting

  open(scope, part) {
    const closed = new Set(this.closed);
    closed.delete(scope);
    this.redraw(closed, `g${scope}${part[0]}`, scope);
    this.select({ scope, part });
    this.say(`${this.graph.scopes[scope].name}: ${word("opened")}`);
  }

  close(scope) {
    const part = this.graph.partOfScope(scope);
    this.redraw(new Set(this.closed).add(scope), scope, `g${scope}${part[0]}`);
    this.select({ scope, part });
    this.say(`${this.graph.scopes[scope].name}: ${word("closed")}`);
  }

  /** Opens the scopes around a node or scope, selects it, and moves it to the middle. */
  reveal(target) {
    const { graph } = this;
    const scopes = target.node === undefined ? [graph.scopes[target.scope].parent] : this.hiding(target.node);
    const around = new Set(scopes.flatMap((scope) => graph.around(scope)));
    if ([...around].some((scope) => this.closed.has(scope))) {
      this.closed = new Set([...this.closed].filter((scope) => !around.has(scope)));
      this.draw();
    }
    this.stage.makeReadable();
    this.select(target, true);
  }

  /** The scopes to open to show a node: its own; for a node that is drawn inside its users, theirs. */
  hiding(number) {
    const { nodes, users } = this.graph;
    if (this.picture.visible.home[number] === `n${number}`) return [];
    const inside = isOperation(nodes[number]) ? [] : users[number].map(({ target }) => nodes[target].scope);
    return [nodes[number].scope, ...inside];
  }

  select(selected, centre = false) {
    this.selected = selected;
    this.show();
    this.focus(this.keyOf(selected), centre);
  }

  activate(id) {
    const { node, scope, part } = this.picture.visible.items.get(id);
    if (node) this.select({ node: node.number });
    else this.open(scope, part);
  }

  /** The item or frame that shows the selection. */
  keyOf(selected) {
    if (!selected) return null;
    const { home, items } = this.picture.visible;
    if (selected.node !== undefined) return home[selected.node];
    const { scope, part } = selected;
    return [`g${scope}${part[0]}`, `g${scope}f`, `g${scope}b`].find((key) => items.has(key)) ?? scope;
  }

  show() {
    if (this.picture) this.mark();
    this.panel.show(this.selected, (number) => this.factsOf(number));
  }

  /** Marks the selection, and the edges at it. */
  mark() {
    const key = this.keyOf(this.selected);
    for (const [own, element] of this.picture.elements) element.classList.toggle("selected", own === key);
    for (const element of byId("viewport").querySelectorAll(".edge")) {
      const { source, target } = this.picture.visible.edges[element.dataset.edge];
      element.classList.toggle("lit", source === key || target === key);
    }
  }

  focus(key, centre = false) {
    const box = this.picture.boxOf(key);
    if (!box) return;
    this.stage.show(box, centre);
    const element = this.picture.elements.get(key);
    (element.querySelector(".header") ?? element).focus({ preventScroll: true });
  }

  factsOf(number) {
    return this.run.factsOf(this.graph.nodes[number]);
  }

  showStep() {
    this.picture.showFacts((number) => this.factsOf(number));
    this.show();
  }

  // Words

  speak(which) {
    language = which;
    document.documentElement.lang = which;
    const each = (selector, write) => document.querySelectorAll(selector).forEach(write);
    each("[data-word]", (element) => (element.textContent = word(element.dataset.word)));
    each("[data-label]", (element) => element.setAttribute("aria-label", word(element.dataset.label)));
    each("button[data-label]", (element) => (element.title = word(element.dataset.label)));
    each("[data-placeholder]", (element) => (element.placeholder = word(element.dataset.placeholder)));
    this.legend();
    this.run.show();
    if (!this.picture) return;
    const key = this.keyOf(this.selected);
    this.redraw(this.closed, key, key);
    this.show();
  }

  legend() {
    const { nodes } = this.graph;
    const families = Object.keys(FAMILIES).filter((family) => nodes.some((node) => node.family === family));
    const kinds = ["parameter", "leaf"].filter((kind) => nodes.some((node) => node.kind === kind));
    const swatch = (name, table) => {
      const element = html("span", null, termOf(table, name));
      element.style.setProperty("--swatch", `var(--${name === "leaf" ? "parameter" : name})`);
      return element;
    };
    const sign = (name, text) => html("span", { class: `sign-${name}` }, text);
    const backward = nodes.some((node) => node.part === "backward");
    const lines = ["pass", "reads", "tie"].filter(() => backward).map((name) => sign(name, word(name)));
    const broken = nodes.some((node) => node.statistics || node.gradient) || this.graph.run.length;
    const marks = new Map(nodes.filter((node) => node.colour).map(({ colour, note }) => [colour, note]));
    const changes = [...marks].map(([colour, note]) => {
      const element = sign("change", word("changed")[note] ?? word("changed").changed);
      element.style.setProperty("--swatch", colour);
      return element;
    });
    const all = [...families.map((name) => swatch(name, FAMILIES)), ...kinds.map((name) => swatch(name, KINDS))];
    byId("legend").replaceChildren(...all, ...lines, ...(broken ? [sign("broken", word("broken"))] : []), ...changes);
  }

  notice(text) {
    byId("notice").textContent = text;
    byId("notice").hidden = !text;
  }

  /** Announces a change to screen readers. */
  say(text) {
    byId("said").textContent = text;
  }

  // Pointer and keys

  listen() {
    const press = (id, act) => byId(id).addEventListener("click", act);
    press("open-all", () => this.reset(new Set()));
    press("close-all", () => this.reset(this.graph.layers()));
    press("fit", () => this.stage.fit(this.picture.places));
    press("zoom-in", () => this.stage.zoomIn());
    press("zoom-out", () => this.stage.zoomOut());
    press("language", () => this.speak(language === "en" ? "ko" : "en"));
    press("theme", () => setTheme(document.documentElement.dataset.theme !== "dark"));
    const drawing = byId("drawing");
    let down = { x: 0, y: 0 };
    drawing.addEventListener("pointerdown", ({ clientX, clientY }) => (down = { x: clientX, y: clientY }), true);
    drawing.addEventListener("click", ({ clientX, clientY, target }) => {
      if (Math.hypot(clientX - down.x, clientY - down.y) <= STILL) this.click(target);
    });
    drawing.addEventListener("mousemove", (event) => this.hover(event));
    drawing.addEventListener("mouseleave", () => (byId("tip").hidden = true));
    drawing.addEventListener("focusin", ({ target }) => {
      const box = this.picture.boxOf(target.dataset.item ?? Number(target.dataset.close));
      if (box && target.matches(":focus-visible")) this.stage.show(box);
    });
    document.addEventListener("keydown", (event) => this.key(event));
  }

  click(target) {
    const header = target.closest("[data-close]");
    const node = target.closest("[data-item]");
    if (header) this.close(Number(header.dataset.close));
    else if (node) this.activate(node.dataset.item);
    else {
      this.selected = null;
      this.show();
    }
  }

  hover({ target, buttons, clientX, clientY }) {
    const tip = byId("tip");
    const node = target.closest("[data-item]");
    const edge = target.closest("[data-edge]");
    const text = buttons
      ? ""
      : node
        ? this.picture.aboutItem(node.dataset.item)
        : edge
          ? this.picture.aboutEdge(edge.dataset.edge)
          : "";
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    const { offsetWidth, offsetHeight } = tip;
    const above = clientY + 18 + offsetHeight > innerHeight;
    tip.style.left = `${Math.max(8, Math.min(clientX + 14, innerWidth - offsetWidth - 8))}px`;
    tip.style.top = `${above ? clientY - offsetHeight - 10 : clientY + 18}px`;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
    const { item, close } = event.target.dataset ?? {};
    const { key } = event;
    const pressed = key === "Enter" || key === " ";
    if (key === "/") this.finder.field.focus();
    else if (key === "Escape") this.escape(item, close);
    else if (key === "+" || key === "=") this.stage.zoomIn();
    else if (key === "-") this.stage.zoomOut();
    else if (key === "0") this.stage.fit(this.picture.places);
    else if (pressed && item) this.activate(item);
    else if (pressed && close) this.close(Number(close));
    else if (ARROWS[key] && item) this.focus(this.picture.neighbour(item, ARROWS[key]));
    else if (ARROWS[key] && close) this.focus(this.picture.firstIn(Number(close)));
    else if (ARROWS[key] && event.target === document.body) this.focus(this.picture.places.nodes.keys().next().value);
    else return;
    event.preventDefault();
  }

  /** Closes the frame that has the focus, or that contains the focus or the selection. */
  escape(item, close) {
    byId("tip").hidden = true;
    const key = item ?? (close === undefined ? this.keyOf(this.selected) : Number(close));
    const scope = typeof key === "number" ? key : this.picture.visible.items.get(key)?.frame;
    if (scope !== undefined && scope !== null) this.close(scope);
  }
}

function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

async function readRecords() {
  const packed = Uint8Array.from(atob(byId("records").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

const prefersDark = matchMedia("(prefers-color-scheme: dark)");
setTheme(prefersDark.matches);
prefersDark.addEventListener("change", () => setTheme(prefersDark.matches));

let page; // for the console, and for tests

Promise.all([readRecords(), Viz.instance()]).then(
  ([records, viz]) => {
    page = new Page(new Graph(records), viz);
    performance.measure("first picture");
  },
  (error) => {
    byId("notice").textContent = `${word("failed")}: ${error.message}`;
    byId("notice").hidden = false;
  },
);
