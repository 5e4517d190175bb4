// Layers of one convolution each, by the compiled function that serves all settings (docs/panels/convolution.py), and
// the arithmetic of their sizes. Knows no document.

const [FRAME, KERNEL] = [32, 13];
const OUTPUT = FRAME - KERNEL + 1;

/** K pixels, D apart, reach over D (K - 1) + 1. */
export const extent = ({ kernel, dilation }) => dilation * (kernel - 1) + 1;

/** H' = ⌊(H + 2P - D (K - 1) - 1) / S⌋ + 1, or 0 where the kernel does not fit. */
export function outputSize(size, setting) {
  const room = size + 2 * setting.padding - extent(setting);
  return room < 0 ? 0 : Math.floor(room / setting.stride) + 1;
}

/** How many pixels of the image an output of the n-th layer sees, to a side: 1 + Σ D (K - 1) times all strides before. */
export function receptiveField(layers, setting) {
  let [field, jump] = [1, 1];
  for (let i = 0; i < layers; i++) [field, jump] = [field + (extent(setting) - 1) * jump, jump * setting.stride];
  return field;
}

/** The sizes of the image and of each layer's map; a size of 0 ends them. */
export function sizes(size, layers, setting) {
  const all = [size];
  while (all.length <= layers && all.at(-1)) all.push(outputSize(all.at(-1), setting));
  return all;
}

/** The map of one layer: size x size numbers. `weights`: kernel x kernel. */
export function forward(step, image, size, weights, setting) {
  const side = outputSize(size, setting);
  const upstream = new Float32Array(OUTPUT * OUTPUT);
  const { output } = step({ frame: framed(image, size, setting), kernel: spread(weights, setting, KERNEL), upstream });
  return strided(side, setting.stride, (at, i, map) => (map[i] = output[at]), new Float32Array(side * side));
}

/** The gradient of Σ upstream · map with respect to the padded image, (size + 2P) to a side. */
export function backward(step, size, weights, setting, upstream) {
  const side = outputSize(size, setting);
  const dense = strided(
    side,
    setting.stride,
    (at, i, all) => (all[at] = upstream[i]),
    new Float32Array(OUTPUT * OUTPUT),
  );
  const frame = new Float32Array(FRAME * FRAME);
  const { gradient } = step({ frame, kernel: spread(weights, setting, KERNEL), upstream: dense });
  const padded = size + 2 * setting.padding;
  return Float32Array.from(
    { length: padded * padded },
    (_, i) => gradient[Math.floor(i / padded) * FRAME + (i % padded)],
  );
}

/** The middle of a padded image. */
export function inner(padded, size, padding) {
  const wide = size + 2 * padding;
  return Float32Array.from(
    { length: size * size },
    (_, i) => padded[(Math.floor(i / size) + padding) * wide + padding + (i % size)],
  );
}

/** An image in zeros. */
export function pad(image, size, padding) {
  const wide = size + 2 * padding;
  const padded = new Float32Array(wide * wide);
  for (let y = 0; y < size; y++) padded.set(image.subarray(y * size, (y + 1) * size), (y + padding) * wide + padding);
  return padded;
}

function framed(image, size, { padding }) {
  const frame = new Float32Array(FRAME * FRAME);
  for (let y = 0; y < size; y++) frame.set(image.subarray(y * size, (y + 1) * size), (y + padding) * FRAME + padding);
  return frame;
}

/** The kernel with D - 1 zeros between its numbers: side x side numbers, by default as many as it reaches over. */
export function spread(weights, setting, side = extent(setting)) {
  const { kernel, dilation } = setting;
  const all = new Float32Array(side * side);
  weights.forEach((weight, i) => (all[(Math.floor(i / kernel) * side + (i % kernel)) * dilation] = weight));
  return all;
}

/** Visits the outputs of stride S among those of stride 1. */
function strided(side, stride, visit, result) {
  for (let i = 0; i < side * side; i++) {
    visit((Math.floor(i / side) * OUTPUT + (i % side)) * stride, i, result);
  }
  return result;
}
