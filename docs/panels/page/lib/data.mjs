// What the page is built with: compiled functions, embedded images, weights.

import { words } from './dom.mjs';
import { PIXELS } from './images.mjs';

const at = (name) => new URL(`../built/${name}`, import.meta.url);
/** Of the clothing. */
export const LICENCE = at('fashion-mnist.LICENSE.txt').href;

const kept = new Map();

/** The file is asked for once, however many panels want it. */
function once(name, read) {
  if (!kept.has(name)) kept.set(name, read());
  return kept.get(name);
}

/** A compiled function with state of its own. */
export const compiled = async (name) => (await import(at(`${name}.mjs`))).load();

async function fetched(name) {
  const response = await fetch(at(name));
  if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
  return response;
}

/** The bytes of a safetensors file. */
export const weights = (name) => once(name, async () => (await fetched(`${name}.safetensors`)).arrayBuffer());

/** Labels and images: a gzip stream of all labels, and then of all pixels. */
export const images = (name) =>
  once(name, async () => {
    const stream = (await fetched(`${name}.images`)).body.pipeThrough(new DecompressionStream('gzip'));
    return unpacked(new Uint8Array(await new Response(stream).arrayBuffer()));
  });

function unpacked(bytes) {
  const count = bytes.length / (PIXELS + 1);
  const [labels, pixels] = [bytes.subarray(0, count), bytes.subarray(count)];
  return { count, labels, pixels, image: (i) => pixels.subarray(i * PIXELS, (i + 1) * PIXELS) };
}

/** Images and labels of a batch, by their numbers. */
export function batch(set, numbers) {
  const pixels = new Uint8Array(numbers.length * PIXELS);
  numbers.forEach((number, i) => pixels.set(set.image(number), i * PIXELS));
  return { images: pixels, labels: Int32Array.from(numbers, (number) => set.labels[number]) };
}

/** Numbers 0 to count - 1 in an order that follows from the seed alone (mulberry32, Fisher and Yates). */
export function shuffled(count, seed) {
  const next = random(seed);
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The classes of the clothing, in the page's language. */
export const clothing = () => CLOTHING.map((pair) => words({ pair }).pair);

const CLOTHING = [
  ['T-shirt', '티셔츠'],
  ['Trousers', '바지'],
  ['Pullover', '스웨터'],
  ['Dress', '원피스'],
  ['Coat', '코트'],
  ['Sandal', '샌들'],
  ['Shirt', '셔츠'],
  ['Sneaker', '운동화'],
  ['Bag', '가방'],
  ['Ankle boot', '앵클부츠'],
];
