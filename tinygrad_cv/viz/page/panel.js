"use strict";
// The side panel: all that is known of the selected node or layer.

const MANY = 24; // links: so many can be looked through
const NUMBERS = ["mean", "deviation", "minimum", "maximum", "norm", "zeros", "nan", "infinite", "dead"];
const ALARMING = ["nan", "infinite", "dead"];

class Panel {
  /** @param go what to do with a link to {node} or {scope, part} */
  constructor(element, graph, go) {
    Object.assign(this, { element, graph, go });
  }

  show(selected, factsOf) {
    if (!selected) {
      const keys = word("keys")
        .split(" · ")
        .map((key) => html("p", null, key));
      this.element.replaceChildren(
        html("h2", null, word("panel")),
        html("p", null, word("hint")),
        this.title("help"),
        ...keys,
      );
      return;
    }
    const content =
      selected.node !== undefined ? this.node(this.graph.nodes[selected.node], factsOf) : this.scope(selected, factsOf);
    this.element.replaceChildren(...content.flat(Infinity).filter(Boolean));
  }

  title(key) {
    return html("h3", null, word(key));
  }

  facts(pairs) {
    const rows = pairs.filter(([, value]) => value);
    return html(
      "dl",
      null,
      ...rows.map(([key, value]) => [html("dt", null, word(key)), html("dd", { "data-fact": key }, value)]),
    );
  }

  links(key, targets) {
    if (!targets.length) return [];
    const rest = targets.length - MANY;
    const buttons = targets
      .slice(0, MANY)
      .map((target) =>
        html(
          "button",
          { type: "button", title: this.place(target), click: () => this.go(target) },
          cut(this.called(target)),
        ),
      );
    return [this.title(key), html("div", { class: "links", "data-links": key }, buttons, rest > 0 ? `+${rest}` : "")];
  }

  called({ node, scope, part }) {
    if (node === undefined)
      return nameOf(this.graph, { scope, part }) + (part === "forward" ? ` ${this.graph.scopes[scope].name}` : "");
    const view = this.graph.nodes[node];
    const name = nameOf(this.graph, { node: view, part: partOf(view) });
    return view.kind === "op" && view.name ? `${name} ${view.name}` : view.kind === "op" ? `${name} #${node}` : name;
  }

  place({ node, scope }) {
    const around = node === undefined ? scope : this.graph.nodes[node].scope;
    return around === null ? "" : this.graph.path(around);
  }

  nodes(numbers) {
    return [...new Set(numbers)].map((node) => ({ node }));
  }

  shape(node) {
    return node.shape ? shapeText(node.shape) || word("scalar") : word("unknown");
  }

  node(node, factsOf) {
    const { graph } = this;
    const scope = node.scope === null ? "" : graph.path(node.scope);
    const local = derivatives(graph, node.number);
    return [
      html("h2", null, nameOf(graph, { node, part: partOf(node) })),
      html(
        "p",
        null,
        joined(termOf(KINDS, node.kind), node.part === "backward" ? word("backward") : "", `#${node.number}`),
      ),
      this.facts([
        ["operation", isOperation(node) ? node.op : ""],
        ["arguments", [node.detail, node.arguments].filter(Boolean).join(", ")],
        ["formula", node.formula && this.formula(node.formula)],
        ["shape", this.shape(node)],
        ["dtype", node.dtype],
        ["value", node.value],
        ["note", node.note],
        ["place", scope],
        ["source", node.source],
        ["saved", node.saved && bytesText(node.saved)],
        ["seconds", node.seconds && secondsText(node.seconds)],
      ]),
      local.length
        ? [
            this.title("derivatives"),
            local.map(({ text }) => html("p", { class: "formula" }, text)),
            html("p", null, word("cotangent")),
          ]
        : [],
      this.values(factsOf(node.number)),
      this.links("inputs", this.nodes(graph.inputs[node.number].map((edge) => edge.source))),
      this.links("users", this.nodes(graph.users[node.number].map((edge) => edge.target))),
      this.links("origin", node.origin === undefined ? [] : this.nodes([node.origin])),
      this.links("backwards", this.nodes(graph.derived[node.number])),
    ];
  }

  scope({ scope, part }, factsOf) {
    const { graph } = this;
    const group = graph.group(scope, part);
    const { inputs, users } = graph.border(scope, part);
    const inside = graph.members[scope].filter((n) => graph.nodes[n].kind === "op" && partOf(graph.nodes[n]) === part);
    return [
      html("h2", null, nameOf(graph, { scope, part })),
      html("p", null, joined(termOf(KINDS, group.kind), graph.path(scope))),
      this.facts([
        ["operation", group.does],
        ["arguments", group.arguments],
        ["shape", group.result && this.shape(group.result)],
        ["dtype", group.result?.dtype],
        ["value", group.result?.value],
        ["parameters", group.parameters && numberText(group.parameters)],
        ["source", group.source],
        ["saved", group.saved && bytesText(group.saved)],
        ["seconds", group.seconds && secondsText(group.seconds)],
      ]),
      group.result ? this.values(factsOf(group.result.number)) : [],
      this.links("inputs", this.nodes(inputs.map((edge) => edge.source))),
      this.links("users", this.nodes(users.map((edge) => edge.target))),
      this.links("contains", this.nodes(inside)),
    ];
  }

  formula(text) {
    return html("span", { class: "formula" }, text);
  }

  /** Statistics and histograms of the value and the gradient. */
  values(facts) {
    return ["statistics", "gradient"]
      .filter((which) => facts[which])
      .map((which) => {
        const numbers = facts[which];
        const present = NUMBERS.filter((key) => numbers[key] !== undefined && numbers[key] !== null);
        const share = (key) =>
          key === "zeros" || key === "dead" ? `${numberText(100 * numbers[key])} %` : numberText(numbers[key]);
        return [
          this.title(which),
          html(
            "dl",
            { class: "numbers", "data-numbers": which },
            ...present.map((key) => [
              html("dt", null, word(key)),
              html("dd", { class: ALARMING.includes(key) && numbers[key] > 0 && "alarm" }, share(key)),
            ]),
          ),
          numbers.histogram ? this.histogram(numbers, which) : null,
        ];
      });
  }

  histogram({ histogram, edges }, which) {
    const label = `${word("histogram")}: ${word(which)}`;
    const [low, high] = (edges ?? []).map(Number);
    const zero = low < 0 && high > 0 ? (-low / (high - low)) * 300 : null;
    return svg(
      "svg",
      { class: "histogram", viewBox: "0 0 300 84", role: "img", "aria-label": label, "data-histogram": which },
      svg("path", { class: which, d: bars(histogram, 0, 2, 300, 64) }),
      svg("path", { class: "axis", d: "M0,66.5H300" }),
      zero === null ? null : svg("path", { class: "zero", d: `M${zero.toFixed(1)},0V70` }),
      edges && svg("text", { x: 0, y: 80 }, numberText(edges[0])),
      edges && svg("text", { x: 300, y: 80, "text-anchor": "end" }, numberText(edges.at(-1))),
    );
  }
}
