/**
 * Trace where a grid of values is not negative, by marching squares with straight lines between
 * grid points: the border is exact wherever the values are linear.
 */

// Edges of a cell, clockwise: top, right, bottom, left. For each set of corners that are inside (top
// left 1, top right 2, bottom right 4, bottom left 8): the edge where the border comes in, and goes out.
const BORDERS = [
  [], [3, 0], [0, 1], [3, 1], [1, 2], [], [0, 2], [3, 2],
  [2, 3], [2, 0], [], [2, 1], [1, 3], [1, 0], [0, 3], [],
];
// Where opposite corners are inside, the middle of the cell decides whether they are joined.
const SADDLES = {
  5: { joined: [1, 0, 3, 2], apart: [3, 0, 1, 2] },
  10: { joined: [0, 3, 2, 1], apart: [0, 1, 2, 3] },
};

/**
 * @param {Float64Array} values Row after row.
 * @param {ArrayLike<number>} xs Where the columns stand in the drawing, in px.
 * @param {ArrayLike<number>} ys Where the rows stand.
 * @returns {string} Path data of closed rings; holes run the other way round.
 */
export function traceRegion(values, xs, ys) {
  // All around stands what is far outside, so that every ring closes along the edge of the grid.
  const columns = xs.length + 2;
  const size = columns * (ys.length + 2);
  const padded = new Float64Array(size).fill(-Infinity);
  for (let row = 0; row < ys.length; row++)
    padded.set(values.subarray(row * xs.length, (row + 1) * xs.length), (row + 1) * columns + 1);

  // The edge to the right of a point has the point's number; that below it, `size` more.
  const next = new Int32Array(2 * size).fill(-1);
  const entries = [];
  for (let point = 0; point < size - columns - 1; point++) {
    const a = padded[point];
    const b = padded[point + 1];
    const c = padded[point + columns + 1];
    const d = padded[point + columns];
    const corners = (a >= 0) | ((b >= 0) << 1) | ((c >= 0) << 2) | ((d >= 0) << 3);
    if (corners === 0 || corners === 15) continue;
    const saddle = SADDLES[corners];
    const border = saddle ? (a + b + c + d >= 0 ? saddle.joined : saddle.apart) : BORDERS[corners];
    const edges = [point, size + point + 1, point + columns, size + point];
    for (let i = 0; i < border.length; i += 2) {
      next[edges[border[i]]] = edges[border[i + 1]];
      entries.push(edges[border[i]]);
    }
  }

  function place(edge) {
    const upright = edge >= size;
    const from = upright ? edge - size : edge;
    const to = from + (upright ? columns : 1);
    const share = padded[from] === -Infinity ? 1 : padded[from] / (padded[from] - padded[to]);
    const between = (at, i, j) => at(i) + (share && share * (at(j) - at(i)));
    const x = (i) => xs[clamp((i % columns) - 1, xs.length)];
    const y = (i) => ys[clamp(Math.floor(i / columns) - 1, ys.length)];
    return [between(x, from, to), between(y, from, to)];
  }

  let path = "";
  for (const entry of entries) {
    const ring = [];
    for (let edge = entry; next[edge] >= 0; ) {
      ring.push(place(edge));
      const following = next[edge];
      next[edge] = -1;
      edge = following;
    }
    if (ring.length) path += write(ring);
  }
  return path;
}

function clamp(index, count) {
  return Math.min(Math.max(index, 0), count - 1);
}

// Without points that repeat another, or lie on a line between their neighbours.
function write(points) {
  const ring = points.filter(([x, y], i) => x !== points.at(i - 1)[0] || y !== points.at(i - 1)[1]);
  const bent = ring.filter(([x, y], i) => {
    const [x0, y0] = ring.at(i - 1);
    const [x1, y1] = ring[(i + 1) % ring.length];
    const turn = Math.abs((x - x0) * (y1 - y) - (y - y0) * (x1 - x));
    return turn > 1e-3 * (Math.abs(x - x0) + Math.abs(y - y0) + Math.abs(x1 - x) + Math.abs(y1 - y));
  });
  const kept = bent.length > 2 ? bent : ring;
  return `M${kept.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}Z`;
}
