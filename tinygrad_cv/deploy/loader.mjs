// ---- what is the same for every exported function ----

const ARRAYS = {
  float32: Float32Array, float64: Float64Array, bool: Uint8Array,
  int8: Int8Array, int16: Int16Array, int32: Int32Array, int64: BigInt64Array,
  uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, uint64: BigUint64Array,
};
const CODES = { float32: 'F32', float64: 'F64', bool: 'BOOL' };
for (const bits of [8, 16, 32, 64]) Object.assign(CODES, { ['int' + bits]: 'I' + bits, ['uint' + bits]: 'U' + bits });

// A module with one function, which is an instruction of relaxed SIMD.
const RELAXED = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0, 10, 13, 1, 11, 0, 32, 0, 32, 1, 32, 2,
  253, 133, 2, 11,
]);
const best = () => ABOUT.wasm[ABOUT.wasm.length > 1 && WebAssembly.validate(RELAXED) ? 1 : 0];

/** The function, ready to be called. `from`: the URL of the .wasm, or { wasm, state }, the bytes of both files. */
export async function load(from = new URL(best(), import.meta.url)) {
  let { wasm, state } = from;
  if (!wasm) [wasm, state] = await Promise.all([read(from), read(new URL(ABOUT.start, new URL(from, here())))]);
  const { instance } = await WebAssembly.instantiate(wasm);
  return new Exported(instance.exports, state);
}

/**
 * The same, whose calls are shared by workers: `step` returns a promise. Workers share memory, which a page may use that is
 * cross-origin isolated; elsewhere `step` does all the work itself. `close()` ends the workers.
 */
export async function loadWorkers(from) {
  if (!ABOUT.workers || !globalThis.crossOriginIsolated) return promised(await load(from));
  const { wasm, threads, pages } = ABOUT.workers, url = new URL(from ?? wasm, from ? here() : import.meta.url);
  const [code, state] = await Promise.all([read(url), read(new URL(ABOUT.start, url))]);
  const module = await WebAssembly.compile(code);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  const workers = Array.from({ length: threads }, () => new Worker(import.meta.url, { type: 'module', name: WORKER }));
  const asked = (message) => Promise.all(workers.map((worker, part) => new Promise((done, failed) => {
    worker.onmessage = ({ data }) => done(data);
    worker.onerror = (event) => failed(new Error(event.message));
    worker.postMessage({ ...message, part });
  })));
  await asked({ module, memory });
  const run = async () => (await asked({ base: exports.base.value })).some(Boolean);
  const m = new Exported({ memory, base: exports.base, init: exports.init, step: run }, state);
  return promised(m, () => workers.forEach((worker) => worker.terminate()));
}

/** One call after the other, each as a promise. */
function promised(m, close = () => {}) {
  let last = Promise.resolve();
  const step = (inputs) => (last = last.catch(() => {}).then(() => m.stepLater(inputs)));
  return Object.assign(m, { step, close });
}

const WORKER = 'tinygrad_cv', STACK = 65536;
if (globalThis.name === WORKER && globalThis.WorkerGlobalScope) {
  let exports;
  globalThis.onmessage = ({ data: { module, memory, base, part } }) => {
    if (!module) return postMessage(exports.part(base, part));
    exports = new WebAssembly.Instance(module, { env: { memory } }).exports;
    if (exports.stack) exports.stack.value -= part * STACK; // each has one of its own
    postMessage(0);
  };
}

const here = () => globalThis.document?.baseURI ?? import.meta.url;

async function read(url) {
  url = new URL(url, here());
  if (url.protocol === 'file:' && globalThis.process) return (await import('node:fs/promises')).readFile(url);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return response.arrayBuffer();
}

class Exported {
  #exports; #base; #start; #views = new Map();

  constructor(exports, start) {
    this.#exports = exports;
    this.#base = exports.base.value;
    this.#start = start && bytesOf(start);
    exports.init(this.#base);
    this.init();
  }

  /** Shapes and dtypes of what it takes, gives back and keeps. */
  get about() { return ABOUT; }

  /** State as it was when the function was exported. */
  init() { if (this.#start) this.restore(this.#start); }

  /** One call. Each argument has as many numbers as its shape says; results are copies. */
  step(inputs = {}) {
    this.#take(inputs);
    return this.#give(this.#exports.step(this.#base));
  }

  /** The same, of workers. */
  async stepLater(inputs = {}) {
    this.#take(inputs);
    return this.#give(await this.#exports.step(this.#base));
  }

  #take(inputs) {
    for (const name in ABOUT.inputs) this.#write(ABOUT.inputs[name], inputs[name], `step: the argument ${name}`);
  }

  #give(invalid) {
    if (invalid) {
      throw new RangeError('step: what the function was compiled for does not hold: an argument is out of range, as a ' +
        'label is that is no class, or numbers overflow. Nothing has changed.');
    }
    return RESULTS((name) => {
      const tensor = ABOUT.outputs[name], view = this.#view(tensor);
      return tensor.shape.length ? view.slice() : tensor.dtype === 'bool' ? view[0] !== 0 : view[0];
    });
  }

  /** A copy of a tensor that it keeps. */
  state(name) { return this.#view(this.#named(name)).slice(); }

  setState(name, values) { this.#write(this.#named(name), values, `setState: ${name}`); }

  /** All state as a file in the format safetensors. */
  save() {
    const size = (name) => this.#view(ABOUT.state[name]).BYTES_PER_ELEMENT;
    const order = Object.keys(ABOUT.state).sort((a, b) => size(b) - size(a)); // so that each is aligned
    const header = Object.fromEntries(Object.keys(ABOUT.state).map((name) => [name, null]));
    let end = 0;
    for (const name of order) {
      const { dtype, shape } = ABOUT.state[name], { byteLength } = this.#view(ABOUT.state[name]);
      header[name] = { dtype: CODES[dtype], shape, data_offsets: [end, end += byteLength] };
    }
    let text = JSON.stringify(header);
    text = new TextEncoder().encode(text + ' '.repeat((8 - new TextEncoder().encode(text).length % 8) % 8));
    const file = new Uint8Array(8 + text.length + end);
    new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
    file.set(text, 8);
    for (const name of order) {
      const { buffer, byteOffset, byteLength } = this.#view(ABOUT.state[name]);
      file.set(new Uint8Array(buffer, byteOffset, byteLength), 8 + text.length + header[name].data_offsets[0]);
    }
    return file;
  }

  /** State from the bytes of a safetensors file; of names that it does not hold, state stays. Names it has set. */
  restore(file) {
    const bytes = bytesOf(file), view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const length = bytes.length < 8 ? Infinity : Number(view.getBigUint64(0, true)), set = [];
    let header;
    try {
      header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    } catch {
      throw new RangeError('restore: these bytes are no safetensors file.');
    }
    for (const name in header) {
      const tensor = ABOUT.state[name], { dtype, shape, data_offsets: at } = header[name];
      if (!tensor) continue;
      if (dtype !== CODES[tensor.dtype] || String(shape) !== String(tensor.shape)) {
        throw new TypeError(`restore: ${name} is ${dtype}[${shape}] in the file; it must be ${CODES[tensor.dtype]}[${tensor.shape}].`);
      }
      const { buffer, byteOffset, byteLength } = this.#view(tensor), data = bytes.subarray(8 + length + at[0], 8 + length + at[1]);
      if (data.length !== byteLength) throw new RangeError(`restore: the file ends within ${name}.`);
      set.push([name, new Uint8Array(buffer, byteOffset, byteLength), data]);
    }
    return set.map(([name, target, data]) => (target.set(data), name));
  }

  #named(name) {
    if (Object.hasOwn(ABOUT.state, name)) return ABOUT.state[name];
    throw new TypeError(`there is no state named ${name}; there is ${Object.keys(ABOUT.state).join(', ')}.`);
  }

  #view(tensor) {
    if (!this.#views.has(tensor)) {
      const count = tensor.shape.reduce((a, b) => a * b, 1);
      this.#views.set(tensor, new ARRAYS[tensor.dtype](this.#exports.memory.buffer, this.#base + tensor.at, count));
    }
    return this.#views.get(tensor);
  }

  #write(tensor, values, what) {
    const view = this.#view(tensor), wanted = `${tensor.dtype}[${tensor.shape}]`;
    if (values === undefined || values === null) throw new TypeError(`${what} is missing; it must be ${wanted}.`);
    if (!values[Symbol.iterator]) values = [values];
    if (values.length !== view.length) {
      throw new RangeError(`${what} has ${values.length} numbers; ${wanted} has ${view.length}.`);
    }
    const wide = view instanceof BigInt64Array || view instanceof BigUint64Array;
    view.set(wide && typeof values[0] !== 'bigint' ? Array.from(values, BigInt) : values);
  }
}

const bytesOf = (x) => ArrayBuffer.isView(x) ? new Uint8Array(x.buffer, x.byteOffset, x.byteLength) : new Uint8Array(x);
