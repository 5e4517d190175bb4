// Which path of a gradient a backward written by hand has got wrong. Knows no document.

/** For each path the factor by which the backward has it: 1 is right, 0 missing. Least squares of `found` on the paths. */
export function factors(found, paths) {
  const n = paths.length;
  const rows = paths.map((a) => [...paths.map((b) => dot(a, b)), dot(a, found)]);
  for (let i = 0; i < n; i++) {
    const pivot = rows
      .slice(i)
      .reduce((best, _, k) => (Math.abs(rows[i + k][i]) > Math.abs(rows[best][i]) ? i + k : best), i);
    [rows[i], rows[pivot]] = [rows[pivot], rows[i]];
    for (let k = 0; k < n; k++) {
      if (k === i) continue;
      const factor = rows[k][i] / rows[i][i];
      rows[k] = rows[k].map((value, j) => value - factor * rows[i][j]);
    }
  }
  return rows.map((row, i) => row[n] / row[i]);
}

/** The largest difference, and its share of the largest number: what a gradient check reports. */
export function difference(found, differences) {
  const largest = Math.max(...found.map((value, i) => Math.abs(value - differences[i])));
  return { largest, relative: largest / Math.max(...differences.map(Math.abs)) };
}

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
