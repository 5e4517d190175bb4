"use strict";
// The window onto the drawing: zoom and position.

const READABLE = 0.8; // the first zoom is at least this
const LARGEST = 1.3; // and at most this
const BORDER = 24; // pixels around what is brought into view

class Stage {
  constructor(element) {
    this.element = element;
    this.zoomer = svgPanZoom(element, {
      viewportSelector: "#viewport",
      fit: false,
      center: false,
      dblClickZoomEnabled: false,
      preventMouseEventsDefault: false, // or a touch would be no click
      minZoom: 0.02,
      maxZoom: 8,
      zoomScaleSensitivity: 0.25,
    });
    element.addEventListener("wheel", (event) => event.preventDefault(), { passive: false }); // a pinch zooms no more than this
    addEventListener("resize", () => this.zoomer.resize());
  }

  zoomIn() {
    this.zoomer.zoomIn();
  }

  zoomOut() {
    this.zoomer.zoomOut();
  }

  /** The smallest zoom at which the text can be read. */
  makeReadable() {
    if (this.zoomer.getZoom() < READABLE) this.zoomer.zoom(1);
  }

  /** The zoom at which all of the drawing is visible. */
  fitting({ width, height }) {
    const { clientWidth, clientHeight } = this.element;
    return Math.min((clientWidth - 40) / width, (clientHeight - 40) / height, LARGEST);
  }

  fit({ width, height }) {
    const { clientWidth, clientHeight } = this.element;
    const scale = this.fitting({ width, height });
    this.zoomer.zoom(scale);
    this.zoomer.pan({ x: (clientWidth - width * scale) / 2, y: (clientHeight - height * scale) / 2 });
  }

  /** Shows everything if the text can be read then; a larger drawing is shown from its first node on. */
  begin({ width, height, nodes }) {
    const { clientWidth, clientHeight } = this.element;
    const scale = Math.max(this.fitting({ width, height }), READABLE);
    const [first = { x: width / 2, y: 0 }] = nodes.values();
    const along = (size, room, otherwise) => (size * scale <= room ? (room - size * scale) / 2 : otherwise);
    this.zoomer.zoom(scale);
    this.zoomer.pan({
      x: along(width, clientWidth, clientWidth / 2 - first.x * scale),
      y: along(height, clientHeight, BORDER),
    });
  }

  /** Where a box of the drawing is on the screen. */
  onScreen(box) {
    const [scale, pan] = [this.zoomer.getZoom(), this.zoomer.getPan()];
    return { x: box.x * scale + pan.x, y: box.y * scale + pan.y, width: box.width * scale, height: box.height * scale };
  }

  /** Moves the drawing so that the corner of a box comes to where that of another was. */
  pin(box, before) {
    const now = this.onScreen(box);
    this.zoomer.panBy({ x: before.x - now.x, y: before.y - now.y });
  }

  /** Moves the drawing as little as needed to show a box, or moves the centre of the box to the middle. */
  show(box, centre = false) {
    const { x, y, width, height } = this.onScreen(box);
    const along = (low, size, room) => {
      if (size > room - 2 * BORDER || (!centre && low < BORDER)) return BORDER - low;
      return centre ? (room - size) / 2 - low : Math.min(0, room - BORDER - (low + size));
    };
    const { clientWidth, clientHeight } = this.element;
    this.zoomer.panBy({ x: along(x, width, clientWidth), y: along(y, height, clientHeight) });
  }
}
