"""The script that calls a module: the same in Node and in a page."""

CALLS = """
const pack = (x) => {
  if (typeof x === 'bigint') return Number(x);
  if (typeof x === 'number' && !Number.isFinite(x)) return { number: String(x) };
  if (ArrayBuffer.isView(x)) {
    const bytes = new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
    let text = '';
    for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
    return { array: x.constructor.name, data: btoa(text) };
  }
  if (Array.isArray(x)) return x.map(pack);
  if (x && typeof x === 'object') return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, pack(v)]));
  return x ?? null;
};
const unpack = (x) => {
  if (x && x.array) return new globalThis[x.array](Uint8Array.from(atob(x.data), (c) => c.charCodeAt(0)).buffer);
  if (Array.isArray(x)) return x.map(unpack);
  if (x && typeof x === 'object') return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, unpack(v)]));
  return x;
};
const called = (m, calls) => calls.map(([method, ...args]) => {
  try { return pack(m[method](...args.map(unpack))); } catch (e) { return e.name + ': ' + e.message; }
});
"""

SCRIPT = f"""{CALLS}
const {{ load }} = await import(process.argv[1]);
let text = '';
for await (const part of process.stdin) text += part;
process.stdout.write(JSON.stringify(called(await load(), JSON.parse(text))));
"""
