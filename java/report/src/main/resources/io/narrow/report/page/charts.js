// Charts. A canvas knows no style sheet, so colours are asked for, and again when they change.
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const charts = new Set();
const dark = matchMedia('(prefers-color-scheme: dark)');
dark.addEventListener('change', () => charts.forEach(draw => draw()));

/** A chart as wide as its place; {@code options} are made anew whenever it is drawn. */
function chart(label, height, options, values) {
  const place = element('div', { class: 'chart', role: 'img', 'aria-label': label });
  let drawn;
  const draw = () => {
    if (drawn && !place.isConnected) {
      charts.delete(draw);
      return;
    }
    if (drawn) drawn.destroy();
    const axis = { stroke: colour('--text'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line') } };
    drawn = new uPlot({ width: Math.max(200, place.clientWidth || 340), height, legend: { show: false }, ...options(axis) }, values, place);
  };
  charts.add(draw);
  // Its width is known when it has its place; the chart itself does not change it.
  new ResizeObserver(() => requestAnimationFrame(draw)).observe(place);
  return place;
}

function histogram(tensor) {
  const found = tensor.histogram;
  if (!found) {
    return element('p', { class: 'soft' }, tensor.constant
      ? 'No histogram: a single value, or no numbers.'
      : data.comparison ? 'No histogram: not compared.' : 'No histogram: calculated values are seen with --calibrate DATA.');
  }
  const { low, high, counts } = found;
  const width = counts.length > 1 ? (high - low) / counts.length : Math.abs(low) || 1;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const first = counts.length > 1 ? low : low - width / 2;
  const reach = tensor.reach;
  const ends = [first, first + counts.length * width];
  const shown = [Math.min(ends[0], reach ? Math.max(reach[0], 3 * ends[0] - 2 * ends[1]) : ends[0]), Math.max(ends[1], reach ? Math.min(reach[1], 3 * ends[1] - 2 * ends[0]) : ends[1])];
  const [least, most] = tensor.range || [low, high];
  const label = `Histogram of ${counted(total)} values from ${rounded(least)} to ${rounded(most)}` +
    (reach ? `; the codes reach from ${rounded(reach[0])} to ${rounded(reach[1])}` : '') +
    (tensor.clipped ? `; ${percent(tensor.clipped)} are clipped` : '');
  return element('div', {},
    chart(label, 200, axis => ({
      scales: { x: { time: false, range: () => shown } },
      axes: [{ ...axis, label: reach ? 'value; lines: what the codes reach, dots: zero' : 'value', labelSize: 20, stroke: axis.stroke }, { ...axis, size: 60, label: 'count', labelSize: 16 }],
      series: [{}, { paths: uPlot.paths.bars({ size: [1, Infinity, 1] }), fill: colour('--mark'), stroke: colour('--mark'), points: { show: false } }],
      hooks: { draw: [drawing => marks(drawing, reach)] },
    }), [counts.map((_, i) => first + (i + 0.5) * width), counts]),
    element('p', { class: 'soft' }, label + '.'));
}

/** Over a histogram: zero, what the codes reach, and in another colour what lies beyond. */
function marks(drawing, reach) {
  const { ctx, bbox } = drawing;
  const at = value => Math.min(Math.max(drawing.valToPos(value, 'x', true), bbox.left), bbox.left + bbox.width);
  const line = (value, dash, name) => {
    if (value < drawing.scales.x.min || value > drawing.scales.x.max) return;
    ctx.beginPath();
    ctx.setLineDash(dash);
    ctx.strokeStyle = colour(name);
    ctx.lineWidth = 2;
    ctx.moveTo(at(value), bbox.top);
    ctx.lineTo(at(value), bbox.top + bbox.height);
    ctx.stroke();
  };
  ctx.save();
  if (reach) {
    ctx.globalAlpha = 0.18;
    ctx.fillStyle = colour('--bad');
    ctx.fillRect(bbox.left, bbox.top, at(reach[0]) - bbox.left, bbox.height);
    ctx.fillRect(at(reach[1]), bbox.top, bbox.left + bbox.width - at(reach[1]), bbox.height);
    ctx.globalAlpha = 1;
    reach.forEach(end => line(end, [], '--bad'));
  }
  line(0, [2, 4], '--text');
  ctx.restore();
}
