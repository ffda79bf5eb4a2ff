// Masks as canvases: a layer is opaque where it is marked.
import * as api from './api.js';

const LONGEST = 768; // Of a mask, in pixels; the server scales it to the photo.
const STEPS_BACK = 12;

function sheet(width, height) {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  return canvas;
}

export function shapeOf(image) {
  const by = Math.min(1, LONGEST / Math.max(image.naturalWidth, image.naturalHeight));
  return [image.naturalWidth, image.naturalHeight].map(side => Math.max(1, Math.round(side * by)));
}

export class Layer {
  constructor(key, title, [width, height]) {
    Object.assign(this, {key, title, width, height, past: []});
    this.canvas = sheet(width, height);
    this.context = this.canvas.getContext('2d', {willReadFrequently: true});
  }

  remember() {
    this.past.push(this.context.getImageData(0, 0, this.width, this.height));
    if (this.past.length > STEPS_BACK) this.past.shift();
  }

  undo() {
    const last = this.past.pop();
    if (last) this.context.putImageData(last, 0, 0);
  }

  // A line with round ends; one point is a dot.
  stroke([x0, y0], [x, y], breadth, isErasing) {
    const {context} = this;
    context.globalCompositeOperation = isErasing ? 'destination-out' : 'source-over';
    Object.assign(context, {strokeStyle: '#fff', lineCap: 'round', lineWidth: breadth});
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x, y + (x0 === x && y0 === y ? 0.01 : 0));
    context.stroke();
  }

  invert() {
    this.remember();
    this.fill('source-out');
  }

  clear() {
    this.remember();
    this.context.clearRect(0, 0, this.width, this.height);
  }

  fill(operation) {
    this.context.globalCompositeOperation = operation;
    this.context.fillStyle = '#fff';
    this.context.fillRect(0, 0, this.width, this.height);
  }

  isEmpty() {
    const {data} = this.context.getImageData(0, 0, this.width, this.height);
    for (let at = 3; at < data.length; at += 4) if (data[at] > 8) return false;
    return true;
  }

  // What none of the others marks.
  complement(others) {
    this.context.clearRect(0, 0, this.width, this.height);
    this.context.globalCompositeOperation = 'source-over';
    for (const other of others) this.context.drawImage(other.canvas, 0, 0);
    this.fill('source-out');
  }

  async load(id) {
    const image = new Image();
    image.src = api.uploaded(id, 1024);
    await image.decode();
    const {context} = this;
    context.drawImage(image, 0, 0, this.width, this.height);
    const pixels = context.getImageData(0, 0, this.width, this.height);
    for (let at = 0; at < pixels.data.length; at += 4) {
      pixels.data[at + 3] = pixels.data[at];
      pixels.data.fill(255, at, at + 3);
    }
    context.putImageData(pixels, 0, 0);
  }

  // As the server takes it: white is marked, on black. Returns the upload's id.
  async send() {
    const made = sheet(this.width, this.height), context = made.getContext('2d');
    context.fillRect(0, 0, this.width, this.height);
    context.drawImage(this.canvas, 0, 0);
    const blob = await new Promise(done => made.toBlob(done, 'image/png'));
    return (await api.upload(blob, `mask ${this.title}.png`)).id;
  }
}

// All layers over the photo, the one that is worked on most visible.
export function show(canvas, layers, current, color) {
  const context = canvas.getContext('2d'), tinted = sheet(canvas.width, canvas.height);
  const brush = tinted.getContext('2d');
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (const layer of layers) {
    brush.globalCompositeOperation = 'copy';
    brush.drawImage(layer.canvas, 0, 0);
    brush.globalCompositeOperation = 'source-in';
    brush.fillStyle = color;
    brush.fillRect(0, 0, canvas.width, canvas.height);
    context.globalAlpha = layer === current ? 0.6 : 0.15;
    context.drawImage(tinted, 0, 0);
  }
}
