// Images as arrays. Knows no document.

export const SIDE = 28;
export const PIXELS = SIDE * SIDE;

/** The image, moved by whole pixels; zeros come in. */
export function shifted(image, right, down) {
  return image.map((_, i) => {
    const [y, x] = [Math.floor(i / SIDE) - down, (i % SIDE) - right];
    return y >= 0 && y < SIDE && x >= 0 && x < SIDE ? image[y * SIDE + x] : 0;
  });
}

/** 28 x 28 pixels, 0 to 255, as size x size numbers between 0 and 1: means of what each covers. */
export function shrunk(pixels, size) {
  const scale = SIDE / size;
  const share = (cell, at) => Math.max(0, Math.min((cell + 1) * scale, at + 1) - Math.max(cell * scale, at));
  return Float32Array.from({ length: size * size }, (_, i) => {
    const [row, column] = [Math.floor(i / size), i % size];
    let sum = 0;
    for (let y = Math.floor(row * scale); y < Math.min((row + 1) * scale, SIDE); y++) {
      for (let x = Math.floor(column * scale); x < Math.min((column + 1) * scale, SIDE); x++) {
        sum += pixels[y * SIDE + x] * share(row, y) * share(column, x);
      }
    }
    return sum / (255 * scale * scale);
  });
}
