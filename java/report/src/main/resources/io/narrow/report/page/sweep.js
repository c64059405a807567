// Files of a sweep, as --json has them.
const evaluations = data.evaluations || [];
const fileOf = evaluation => evaluation.model.replace(/^.*[\\/]/, '').replace(/\.[^.]*$/, '');
const QUALITY = evaluations.every(evaluation => 'accuracy' in evaluation) ? 'accuracy' : 'agreement';
const COSTS = {
  size: { title: 'file size', unit: 'bytes', of: evaluation => evaluation.bytes, text: counted, range: (low, high) => [low - (high - low) / 20, high + (high - low) / 10] },
  latency: { title: 'latency', unit: 'ms', of: evaluation => evaluation.latency.p50_ms, text: value => value.toFixed(3), range: (low, high) => [low / 1.5, high * 2], scale: { distr: 3 } },
};

/** Quality over what it costs; what is best at its cost is marked, and joined by a line. */
function frontChart(cost) {
  const { title, unit, of, text, range, scale } = COSTS[cost];
  const points = evaluations.map((evaluation, i) => ({ number: i + 1, x: of(evaluation), y: evaluation[QUALITY], front: evaluation.front.includes(cost), name: fileOf(evaluation) }))
    .sort((a, b) => a.x - b.x);
  const front = points.filter(point => point.front);
  const ys = points.map(point => point.y);
  const slack = Math.max(0.1 * (Math.max(...ys) - Math.min(...ys)), 0.001);
  const label = `${QUALITY} over ${title} of ${points.length} files; best at their ${title}: ` +
    front.map(point => `${point.name} (${text(point.x)} ${unit}, ${point.y.toFixed(4)})`).join(', ');
  return element('figure', {},
    element('figcaption', {}, `${QUALITY} over ${title}; filled, and joined by a line: no other file is as good for less`),
    chart(label, 280, axis => ({
      cursor: { show: false },
      scales: { x: { time: false, range: () => range(points[0].x, points[points.length - 1].x), ...scale }, y: { range: () => [Math.min(...ys) - slack, Math.max(...ys) + slack] } },
      axes: [{ ...axis, label: `${title}, ${unit}`, labelSize: 20 }, { ...axis, size: 70 }],
      series: [{},
        { paths: () => null, points: { show: true, size: 10, stroke: colour('--mark'), fill: colour('--page'), width: 2 } },
        { stroke: colour('--mark'), width: 2, paths: uPlot.paths.stepped({ align: 1 }), spanGaps: true, points: { show: true, size: 10, stroke: colour('--mark'), fill: colour('--mark') } }],
      hooks: { draw: [drawing => numbers(drawing, points)] },
    }), [points.map(point => point.x), ys, points.map(point => point.front ? point.y : null)]));
}

/** The number of each file beside its point; those of points that lie together in one place. */
function numbers(drawing, points) {
  const near = 12 * devicePixelRatio;
  const wide = 5 * near;
  const groups = [];
  for (const point of points) {
    const x = drawing.valToPos(point.x, 'x', true);
    const y = drawing.valToPos(point.y, 'y', true);
    const group = groups.find(other => x - other.x < wide && Math.abs(other.y - y) < near);
    if (group) group.numbers.push(point.number);
    else groups.push({ x, y, numbers: [point.number] });
  }
  const { ctx } = drawing;
  ctx.save();
  ctx.textAlign = 'left';
  ctx.fillStyle = colour('--text');
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  for (const { x, y, numbers: those } of groups) {
    ctx.fillText(those.sort((a, b) => a - b).join(', '), x - near / 3, y - near * 0.8);
  }
  ctx.restore();
}

function showSweep() {
  const [first] = evaluations;
  const signed = value => (value < 0 ? '−' : '+') + Math.abs(value).toFixed(4);
  byId('sweep-charts').replaceChildren(...Object.keys(COSTS).map(frontChart));
  byId('sweep-table').replaceChildren(table(
    ['#file', 'model', '#accuracy', '#change (95 %)', '#agreement', '#SQNR, dB', '#latency, ms (5–95 %)', '#speed', '#bytes', '#size', 'best for its'],
    evaluations.map((evaluation, i) => [
      String(i + 1),
      element('span', { class: 'name' + (evaluation.front.length ? ' front' : '') }, fileOf(evaluation)),
      'accuracy' in evaluation ? evaluation.accuracy.toFixed(4) : '–',
      i === 0 ? '' : evaluation.change ? `${signed(evaluation.change.difference)} (${signed(evaluation.change.low)}..${signed(evaluation.change.high)})` : '–',
      evaluation.agreement.toFixed(4),
      i === 0 ? '' : 'sqnr_db' in evaluation ? evaluation.sqnr_db.toFixed(2) : '–',
      `${evaluation.latency.p50_ms.toFixed(3)} (${evaluation.latency.p5_ms.toFixed(3)}–${evaluation.latency.p95_ms.toFixed(3)})`,
      `${(first.latency.p50_ms / evaluation.latency.p50_ms).toFixed(2)}×`,
      counted(evaluation.bytes),
      `${(100 * evaluation.bytes / first.bytes).toFixed(1)} %`,
      evaluation.front.join(', ') || '–',
    ])));
  byId('advice').replaceChildren(...data.advice.map(line => element('p', { class: line.startsWith(' ') ? 'soft command' : undefined }, line.trim())));
  byId('facts').textContent = `${evaluations.length} files, ${counted(first.samples)} samples`;
}
