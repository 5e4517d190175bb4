"use strict";
// The search field and the list below it.

const SHOWN = 50; // results

class Finder {
  constructor(field, list, graph, choose) {
    Object.assign(this, { field, list, graph, choose, found: [], active: -1 });
    field.addEventListener("input", () => this.update());
    field.addEventListener("focus", () => this.update());
    field.addEventListener("blur", () => this.hide());
    field.addEventListener("keydown", (event) => this.key(event));
    list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[data-place]");
      if (option) this.pick(Number(option.dataset.place));
    });
  }

  update() {
    const text = this.field.value.trim();
    this.found = this.graph.search(text);
    if (!text) return this.hide();
    const rows = this.found.slice(0, SHOWN).map((entry, i) => this.row(entry, i));
    const rest = this.found.length - SHOWN;
    if (!rows.length) rows.push(html("li", { class: "rest" }, word("nothing")));
    if (rest > 0) rows.push(html("li", { class: "rest" }, `${rest} ${word("more")}`));
    this.list.replaceChildren(...rows);
    this.list.hidden = false;
    this.field.setAttribute("aria-expanded", "true");
    this.mark(this.found.length ? 0 : -1);
  }

  row(entry, i) {
    const { graph } = this;
    const node = entry.node === undefined ? null : graph.nodes[entry.node];
    const name = node ? nameOf(graph, { node }) : graph.path(entry.scope);
    const about = node
      ? joined(
          termOf(KINDS, node.kind),
          node.kind === "op" ? node.name : "",
          shapeText(node.shape),
          node.module,
          node.function,
          `#${node.number}`,
        )
      : joined(
          termOf(KINDS, graph.scopes[entry.scope].kind),
          nameOf(graph, { scope: entry.scope, part: graph.partOfScope(entry.scope) }),
        );
    return html(
      "li",
      { id: `result-${i}`, role: "option", "data-place": i, "aria-selected": "false" },
      cut(name),
      " ",
      html("small", null, about),
    );
  }

  mark(place) {
    this.active = place;
    this.list
      .querySelectorAll("[role=option]")
      .forEach((row, i) => row.setAttribute("aria-selected", String(i === place)));
    if (place < 0) return this.field.removeAttribute("aria-activedescendant");
    this.field.setAttribute("aria-activedescendant", `result-${place}`);
    byId(`result-${place}`).scrollIntoView({ block: "nearest" });
  }

  key(event) {
    const last = Math.min(this.found.length, SHOWN) - 1;
    if (event.key === "ArrowDown" && last >= 0) this.mark(this.active < last ? this.active + 1 : 0);
    else if (event.key === "ArrowUp" && last >= 0) this.mark(this.active > 0 ? this.active - 1 : last);
    else if (event.key === "Enter" && this.active >= 0) this.pick(this.active);
    else if (event.key === "Escape") this.hide();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  pick(place) {
    const { node, scope } = this.found[place];
    this.hide();
    this.choose(node !== undefined ? { node } : { scope, part: this.graph.partOfScope(scope) });
  }

  hide() {
    this.list.hidden = true;
    this.active = -1;
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
  }
}
