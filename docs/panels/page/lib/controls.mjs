// Controls: native inputs with labels, so that keyboards and screen readers know them.

import { fresh, html } from './dom.mjs';

/** A slider; `text` writes its value. Its `.value` is a number, `.set(value)` moves it without a call of `on`. */
export function slider({ label, min, max, step = 1, value, text = String, on }) {
  const input = html('input', { type: 'range', min, max, step, value, oninput: () => (show(), on(+input.value)) });
  const output = html('output');
  const show = () => {
    output.textContent = text(+input.value);
    input.setAttribute('aria-valuetext', output.textContent);
  };
  const root = html('label', { class: 'slider' }, html('span', {}, label), input, output);
  show();
  return {
    root,
    get value() {
      return +input.value;
    },
    set(value) {
      input.value = value;
      show();
    },
    limit(low, high) {
      [input.min, input.max] = [low, high];
      show();
    },
  };
}

/** One of several: a row of radio buttons. Options are [value, what is shown, title]. */
export function choice({ label, options, value, on, kind = 'choice' }) {
  const name = fresh('choice');
  const inputs = options.map(([own, shown, title]) => {
    const input = html('input', { type: 'radio', name, value: own, 'aria-label': title, onchange: () => on(own) });
    input.checked = own === value;
    return [own, input, html('label', { title }, input, html('span', {}, shown))];
  });
  return {
    root: html(
      'fieldset',
      { class: kind },
      html('legend', {}, label),
      html(
        'div',
        {},
        inputs.map(([, , one]) => one),
      ),
    ),
    set: (value) => inputs.forEach(([own, input]) => (input.checked = own === value)),
  };
}

export const button = (label, on, attributes = {}) =>
  html('button', { type: 'button', onclick: on, ...attributes }, label);

/** A number with its name. */
export function readout(label) {
  const value = html('b');
  return {
    root: html('div', {}, html('span', {}, label), value),
    write: (text) => (value.textContent = text),
  };
}

export const readouts = (...all) => html('div', { class: 'readouts' }, ...all.map(({ root }) => root));
export const row = (...children) => html('div', { class: 'row' }, children);
/** What is drawn, with a caption that says what it is. */
export const figure = (caption, ...children) =>
  html('figure', {}, html('figcaption', {}, caption), html('div', { class: 'drawn' }, children));
