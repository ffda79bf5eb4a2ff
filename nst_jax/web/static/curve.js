// The curve of the losses: iterations to the right, the loss up on a log scale.
import {svg} from './dom.js';

const WIDTH = 240, HEIGHT = 64, EDGE = 4;

// null for fewer than two points.
export function curve(losses) {
  const points = losses.filter(([, loss]) => loss > 1e-60 && loss < 1e60);
  if (points.length < 2) return null;
  const logs = points.map(([, loss]) => Math.log(loss));
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  const [first, last] = [points[0][0], points.at(-1)[0]];
  const x = at => EDGE + (WIDTH - 2 * EDGE) * (at - first) / (last - first || 1);
  const y = log => HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (log - low) / (high - low || 1);
  const drawn = points.map(([at], n) => `${x(at).toFixed(1)},${y(logs[n]).toFixed(1)}`);
  const label = `Loss, from ${short(points[0][1])} to ${short(points.at(-1)[1])} at iteration ${last}`;
  return svg('svg', {class: 'losses', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label},
    svg('line', {class: 'grid', x1: EDGE, x2: WIDTH - EDGE, y1: HEIGHT - 1, y2: HEIGHT - 1}),
    svg('polyline', {class: 'curve', points: drawn.join(' ')}),
    svg('circle', {class: 'end', cx: x(last), cy: y(logs.at(-1)), r: 3}));
}

export function short(loss) {
  if (loss === null || loss === undefined) return '';
  return loss >= 1e-3 && loss < 1e5 ? String(Number(loss.toPrecision(4))) : loss.toExponential(2);
}
