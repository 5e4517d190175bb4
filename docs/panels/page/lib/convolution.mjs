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

/** The map of one layer: side x side numbers. `weights`: kernel x kernel. */
export function forward(step, image, size, weights, setting) {
  const frame = pad(image, size, setting.padding, FRAME);
  const upstream = new Float32Array(OUTPUT * OUTPUT);
  const { output } = step({ frame, kernel: spread(weights, setting, KERNEL), upstream });
  return Float32Array.from(places(outputSize(size, setting), setting.stride), (at) => output[at]);
}

/** The gradient of Σ upstream · map with respect to the padded image, (size + 2P) to a side. */
export function backward(step, size, weights, setting, upstream) {
  const dense = new Float32Array(OUTPUT * OUTPUT);
  places(outputSize(size, setting), setting.stride).forEach((at, i) => (dense[at] = upstream[i]));
  const frame = new Float32Array(FRAME * FRAME);
  const { gradient } = step({ frame, kernel: spread(weights, setting, KERNEL), upstream: dense });
  return crop(gradient, FRAME, 0, size + 2 * setting.padding);
}

/** The middle of a padded image. */
export const inner = (padded, size, padding) => crop(padded, size + 2 * padding, padding, size);

/** An image in zeros: wide x wide numbers. */
export function pad(image, size, padding, wide = size + 2 * padding) {
  const padded = new Float32Array(wide * wide);
  for (let y = 0; y < size; y++) padded.set(image.subarray(y * size, (y + 1) * size), (y + padding) * wide + padding);
  return padded;
}

/** The kernel with D - 1 zeros between its numbers: side x side numbers, by default as many as it reaches over. */
export function spread(weights, setting, side = extent(setting)) {
  const { kernel, dilation } = setting;
  const all = new Float32Array(side * side);
  weights.forEach((weight, i) => (all[(Math.floor(i / kernel) * side + (i % kernel)) * dilation] = weight));
  return all;
}

/** size x size of wide x wide numbers, from row and column `from` on. */
function crop(rows, wide, from, size) {
  const at = (i) => (Math.floor(i / size) + from) * wide + from + (i % size);
  return Float32Array.from({ length: size * size }, (_, i) => rows[at(i)]);
}

/** Where the outputs of stride S lie among those of stride 1. */
function places(side, stride) {
  return Array.from({ length: side * side }, (_, i) => (Math.floor(i / side) * OUTPUT + (i % side)) * stride);
}
