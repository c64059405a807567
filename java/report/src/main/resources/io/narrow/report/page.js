'use strict';
(() => {
  const byId = id => document.getElementById(id);
  const data = JSON.parse(byId('data').textContent);
  const subgraphs = data.subgraphs || [];
  const plan = data.plan;

  // What an operator computes with, in words.
  const PRECISIONS = {
    float32: 'float32',
    float16: 'float32, weights stored as float16',
    stored: 'float32, weights stored as integers',
    hybrid: 'float32 with int8 weights',
    int8: 'int8',
    int16: 'int16',
    int4: 'int4 weights',
    conversion: 'conversion',
    other: 'no float32',
  };

  /** An element with attributes and contents; texts are texts, never HTML. */
  function element(name, attributes, ...contents) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (typeof value === 'function') made.addEventListener(key, value);
      else if (key.startsWith('--')) made.style.setProperty(key, value);
      else if (value !== undefined) made.setAttribute(key, value);
    }
    made.append(...contents);
    return made;
  }

  const counted = number => number.toLocaleString('en');
  const rounded = number => typeof number === 'number' ? String(Number(number.toPrecision(4))) : String(number);
  const percent = share => share === 0 ? '0 %' : share < 0.0001 ? '< 0.01 %' : (100 * share).toFixed(2) + ' %';
  const chip = precision => element('span', { class: 'chip', '--swatch': `var(--${precision})` }, PRECISIONS[precision]);
  const shapeOf = tensor => `${tensor.type}[${tensor.shape.join('×')}]`;

  function table(heads, rows) {
    const cells = (row, name) => row.map((cell, i) =>
      element(name, { class: heads[i].startsWith('#') ? 'number' : undefined, scope: name === 'th' ? 'col' : undefined }, cell));
    return element('table', {},
      element('thead', {}, element('tr', {}, ...cells(heads.map(head => head.replace('#', '')), 'th'))),
      element('tbody', {}, ...rows.map(row => element('tr', {}, ...cells(row, 'td')))));
  }

  // Operators, all subgraphs in a row.
  const operators = subgraphs.flatMap((graph, s) => (graph.graph || []).map((step, i) => ({ step, s, i })));
  const quantized = operators.some(({ step }) => !['float32', 'other'].includes(step.precision));
  let view = plan && !quantized ? 'plan' : 'file';

  const precisionOf = step => view === 'plan' && step.planned_precision || step.precision;
  const decision = step => plan && step.plan !== undefined ? plan.operators[step.plan] : undefined;

  function reasonOf(step) {
    const decided = decision(step);
    if (!decided) return '';
    if (view === 'plan' || step.planned_precision === step.precision) return decided.reason;
    if (step.precision === 'float32') {
      return `mode ${plan.mode} would compute it with ${PRECISIONS[step.planned_precision]}` +
        (decided.reason ? `: ${decided.reason}` : '');
    }
    return 'as the file has it';
  }

  /** The reason without what differs from one operator to the next. */
  const kindOf = reason => reason
    .replace(/^[A-Z][A-Z0-9_]+ (has|have) /, '$1 ')
    .replace(/^`[^`]*`( stays float32)?: /, '')
    .replace(/`[^`]*`/g, '…')
    .replace(/^([\d,]+) elements?, fewer than (\d+)/, 'its weights have fewer than $2 elements')
    .replace(/scale [-\d.eE]+, zero point -?\d+/, 'its own scale');

  const FEW = 3;
  const listed = texts => texts.slice(0, FEW).join('; ') + (texts.length > FEW ? `; and ${texts.length - FEW} more` : '');

  function countedKinds(list) {
    const kinds = new Map();
    for (const { step } of list) kinds.set(step.name, (kinds.get(step.name) || 0) + 1);
    return [...kinds].sort((a, b) => b[1] - a[1]).map(([name, count]) => `${count} ${name}`).join(', ');
  }

  /** Says at once what is mixed, then why, a row for each reason. */
  function showWhy() {
    const groups = new Map();
    for (const operator of operators) {
      const precision = precisionOf(operator.step);
      const reason = kindOf(reasonOf(operator.step));
      const code = decision(operator.step)?.code || '';
      const key = `${precision} ${operator.step.planned_precision} ${code || reason}`;
      if (!groups.has(key)) groups.set(key, { precision, reasons: new Set(), list: [] });
      groups.get(key).list.push(operator);
      if (reason) groups.get(key).reasons.add(reason);
    }
    const order = Object.keys(PRECISIONS);
    const rows = [...groups.values()].sort((a, b) =>
      order.indexOf(a.precision) - order.indexOf(b.precision) || b.list.length - a.list.length);
    const subject = view === 'plan' ? `Mode ${plan.mode} would make of this model:` : 'In this file:';
    const leads = mixedKinds().map(text => element('p', { class: 'lead' }, text));
    byId('answer').replaceChildren(
      element('p', {}, subject),
      ...leads,
      table(['computes with', 'operators', 'why'], rows.map(({ precision, reasons, list }) => [
        chip(precision),
        element('button', { class: 'link', click: () => mark(list) }, countedKinds(list)),
        reasons.size === 0 ? '–' : listed([...reasons]),
      ])));
  }

  /** A sentence for each kind of operator that computes in several ways. */
  function mixedKinds() {
    const kinds = new Map();
    for (const operator of operators) {
      if (!kinds.has(operator.step.name)) kinds.set(operator.step.name, new Map());
      const precisions = kinds.get(operator.step.name);
      const precision = precisionOf(operator.step);
      precisions.set(precision, [...(precisions.get(precision) || []), operator]);
    }
    return [...kinds].filter(([, precisions]) => precisions.size > 1).map(([name, precisions]) => {
      const all = [...precisions.values()].reduce((sum, list) => sum + list.length, 0);
      const parts = [...precisions].sort((a, b) => b[1].length - a[1].length).map(([precision, list]) => {
        const reasons = new Set(list.map(({ step }) => kindOf(reasonOf(step))));
        const why = precision === 'float32' && reasons.size === 1 && [...reasons][0] ? ` (${[...reasons][0]})` : '';
        return `${list.length} ${PRECISIONS[precision]}${why}`;
      });
      return `${all} ${name}: ${parts.join('; ')}.`;
    });
  }

  // The graph.
  const graphs = byId('graphs');

  function mark(list) {
    unmark();
    graphs.classList.add('marking');
    for (const { s, i } of list) byId(`n${s}-${i}`).classList.add('hit');
    if (list.length) reveal(byId(`n${list[0].s}-${list[0].i}`));
  }

  function unmark() {
    graphs.classList.remove('marking');
    for (const hit of graphs.querySelectorAll('.hit')) hit.classList.remove('hit');
  }

  function reveal(node) {
    node.scrollIntoView({ block: 'center', inline: 'center' });
  }

  function showLegend() {
    const used = new Map();
    for (const operator of operators) {
      const precision = precisionOf(operator.step);
      used.set(precision, [...(used.get(precision) || []), operator]);
    }
    byId('legend').replaceChildren(...Object.keys(PRECISIONS).filter(precision => used.has(precision)).map(precision =>
      element('button', { 'aria-label': `mark ${PRECISIONS[precision]}`, click: () => mark(used.get(precision)) },
        chip(precision), ` ${used.get(precision).length}`)));
  }

  function setView(chosen) {
    view = chosen;
    graphs.dataset.view = view;
    showWhy();
    showLegend();
  }

  function select(node) {
    for (const on of graphs.querySelectorAll('.on')) on.classList.remove('on');
    for (const tab of graphs.querySelectorAll('.n[tabindex="0"]')) tab.setAttribute('tabindex', '-1');
    if (!node) return;
    node.classList.add('on');
    if (node.matches('.n')) node.setAttribute('tabindex', '0');
  }

  const place = id => id.slice(1).split('-').map(Number);

  /** What an element of the drawing stands for. */
  function show(id) {
    const [s, number] = place(id);
    if (id[0] === 'n') showOperator(s, number);
    else showTensor(s, number);
  }

  function tensorButton(s, number) {
    return element('button', { class: 'link', click: () => openTensor(s, number) }, subgraphs[s].tensors[number].name || `tensor ${number}`);
  }

  function openTensor(s, number) {
    select(byId(`t${s}-${number}`) || byId(`e${s}-${number}`));
    showTensor(s, number);
  }

  function definitions(entries) {
    return element('dl', {}, ...entries.filter(([, value]) => value !== undefined && value !== '').flatMap(([term, value]) =>
      [element('dt', {}, term), element('dd', {}, value)]));
  }

  function showOperator(s, i) {
    const graph = subgraphs[s];
    const step = graph.graph[i];
    const decided = decision(step);
    const rows = [];
    for (const [word, numbers] of [['reads', step.inputs], ['writes', step.outputs]]) {
      for (const number of numbers) {
        if (number < 0) continue;
        const tensor = graph.tensors[number];
        rows.push([tensor.constant ? 'constant' : word, tensorButton(s, number), shapeOf(tensor)]);
      }
    }
    byId('details').replaceChildren(
      element('h3', {}, `${step.name}, operator ${i}` + (subgraphs.length > 1 ? ` of subgraph ${s}` : '')),
      definitions([
        ['in the file', chip(step.precision)],
        [plan ? `mode ${plan.mode}` : '', step.planned_precision ? chip(step.planned_precision) : undefined],
        ['why', reasonOf(step)],
      ]),
      ...errorsOf(s, step.outputs),
      table(['', 'tensor', 'type'], rows));
  }

  /** As graph viewers print it. */
  function quantization(tensor) {
    if (!tensor.quantization) return undefined;
    const range = tensor.reach ? ` (${rounded(tensor.reach[0])} to ${rounded(tensor.reach[1])})` : '';
    if (!tensor.scales) return tensor.quantization + range;
    return element('div', {}, tensor.quantization + range,
      element('div', { class: 'scales soft', tabindex: '0', role: 'region', 'aria-label': 'scales of all channels' },
        ...tensor.scales.map((scale, channel) => element('div', {}, `${channel}: ${scale} * q`))));
  }

  function showTensor(s, number) {
    const graph = subgraphs[s];
    const tensor = graph.tensors[number];
    const constant = plan && tensor.plan_constant !== undefined ? plan.constants[tensor.plan_constant] : undefined;
    const activation = plan && tensor.plan_activation !== undefined ? plan.activations[tensor.plan_activation] : undefined;
    const decided = constant || activation;
    const writer = graph.graph.findIndex(step => step.outputs.includes(number));
    const readers = graph.graph.flatMap((step, i) => step.inputs.includes(number) ? [i] : []);
    const operatorButton = i => element('button', { class: 'link', click: () => { select(byId(`n${s}-${i}`)); reveal(byId(`n${s}-${i}`)); showOperator(s, i); } },
      `${graph.graph[i].name} ${i}`);
    const planned = decided && decided.type !== tensor.type;
    byId('details').replaceChildren(
      element('h3', { id: 'tensor' }, tensor.name || `tensor ${number}`),
      definitions([
        ['type', shapeOf(tensor) + (tensor.constant ? ', constant' : '')],
        ['quantization', quantization(tensor)],
        [plan ? `mode ${plan.mode}` : '', decided ? `${decided.type}: ${decided.reason}` : undefined],
        ['range', tensor.range ? `${rounded(tensor.range[0])} to ${rounded(tensor.range[1])}` : undefined],
        [planned ? 'codes reach' : '', planned && tensor.reach ? `${rounded(tensor.reach[0])} to ${rounded(tensor.reach[1])}, zero point ${tensor.zero_point}` : undefined],
        ['clipped', tensor.clipped === undefined ? undefined : percent(tensor.clipped) + ' of the values'],
        ['not finite', tensor.not_finite],
        ['written by', writer < 0 ? undefined : operatorButton(writer)],
        ['read by', readers.length ? element('span', {}, ...readers.slice(0, 12).flatMap((i, at) => at ? [', ', operatorButton(i)] : [operatorButton(i)]),
          readers.length > 12 ? ` and ${readers.length - 12} more` : '') : undefined],
      ]),
      ...errorsOf(s, [number]),
      histogram(tensor));
  }

  function errorsOf() {
    return [];
  }

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
    requestAnimationFrame(draw);
    return place;
  }

  function histogram(tensor) {
    const found = tensor.histogram;
    if (!found) {
      return element('p', { class: 'soft' }, tensor.constant
        ? 'No histogram: a single value, or no numbers.'
        : 'No histogram: calculated values are seen with --calibrate DATA.');
    }
    const { low, high, counts } = found;
    const width = counts.length > 1 ? (high - low) / counts.length : Math.abs(low) || 1;
    const total = counts.reduce((sum, count) => sum + count, 0);
    const first = counts.length > 1 ? low : low - width / 2;
    const reach = tensor.reach;
    const ends = [first, first + counts.length * width];
    const shown = [Math.min(ends[0], reach ? Math.max(reach[0], 3 * ends[0] - 2 * ends[1]) : ends[0]), Math.max(ends[1], reach ? Math.min(reach[1], 3 * ends[1] - 2 * ends[0]) : ends[1])];
    const label = `Histogram of ${counted(total)} values from ${rounded(low)} to ${rounded(high)}` +
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

  // Search.
  const MOST = 50;
  function search() {
    const wanted = byId('search').value.trim().toLowerCase();
    if (!wanted) {
      byId('found').replaceChildren();
      return;
    }
    const hits = [];
    subgraphs.forEach((graph, s) => {
      (graph.graph || []).forEach((step, i) => {
        if (`${step.name} ${i}`.toLowerCase().includes(wanted)) {
          hits.push([`${step.name} ${i}`, () => { const node = byId(`n${s}-${i}`); select(node); reveal(node); showOperator(s, i); }]);
        }
      });
      (graph.tensors || []).forEach((tensor, t) => {
        if (tensor.name.toLowerCase().includes(wanted)) {
          hits.push([`${tensor.name}  ${shapeOf(tensor)}`, () => {
            openTensor(s, t);
            const line = byId(`t${s}-${t}`) || byId(`e${s}-${t}`);
            if (line) reveal(line);
          }]);
        }
      });
    });
    byId('found').replaceChildren(
      element('p', { class: 'soft' }, hits.length === 0 ? 'nothing found' : `${hits.length} found` + (hits.length > MOST ? `, the first ${MOST}` : '')),
      ...(hits.length ? [element('ul', {}, ...hits.slice(0, MOST).map(([text, open]) => element('li', {}, element('button', { click: open }, text))))] : []));
  }

  function listen() {
    byId('search').addEventListener('input', search);
    byId('search').addEventListener('keydown', event => {
      const first = byId('found').querySelector('button');
      if (event.key === 'Enter' && first) first.click();
    });
    const target = event => event.target.closest('.n, .t');
    let pinned = false;
    graphs.addEventListener('click', event => {
      const hit = target(event);
      unmark();
      pinned = Boolean(hit);
      select(hit);
      if (hit) show(hit.id);
    });
    graphs.addEventListener('pointerover', event => {
      const hit = target(event);
      if (hit && !pinned && event.pointerType === 'mouse') show(hit.id);
    });
    graphs.addEventListener('keydown', event => {
      const node = event.target.closest('.n');
      if (!node) return;
      const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        show(node.id);
        byId('details').focus();
      } else if (steps[event.key]) {
        event.preventDefault();
        let next = node;
        do {
          next = steps[event.key] > 0 ? next.nextElementSibling : next.previousElementSibling;
        } while (next && !next.matches('.n'));
        if (next) {
          pinned = true;
          select(next);
          next.focus();
          show(next.id);
        }
      }
    });
    graphs.addEventListener('focusin', event => {
      const node = event.target.closest('.n');
      if (node && node.id[0] === 'n') {
        const [s, i] = place(node.id);
        const { step } = { step: subgraphs[s].graph[i] };
        node.setAttribute('aria-label', `${step.name}, operator ${i}, ${PRECISIONS[precisionOf(step)]}`);
      }
    });
  }

  function showModel() {
    const views = [['file', 'precision in the file'], ...(plan ? [['plan', `precision after mode ${plan.mode}`]] : [])];
    byId('view').replaceChildren(...views.map(([value, text]) => element('option', { value }, text)));
    byId('view').value = view;
    byId('view').addEventListener('change', () => setView(byId('view').value));
    byId('view-label').hidden = views.length < 2;
    setView(view);
    for (const svg of document.querySelectorAll('svg.graph')) {
      const first = svg.querySelector('.n');
      if (first) first.setAttribute('tabindex', '0');
    }
    byId('details').replaceChildren(element('p', { class: 'soft' },
      'Click an operator or a line, or go along the graph with the arrow keys, to see it here.'));
    listen();
  }

  function showBytes() {
    const all = Object.values(data.bytes).reduce((sum, bytes) => sum + bytes, 0);
    const swatch = (use, i) => {
      const type = use.split(' ')[0];
      const known = { float32: 'float32', float16: 'float16', int8: 'int8', uint8: 'int8', int16: 'int16', int4: 'int4' };
      return known[type] ? `var(--${known[type]})` : `hsl(${(i * 67) % 360} 35% 55%)`;
    };
    const entries = Object.entries(data.bytes);
    byId('ledger').replaceChildren(
      element('div', { class: 'bar', 'aria-hidden': 'true' }, ...entries.map(([use, bytes], i) =>
        element('span', { '--swatch': swatch(use, i), style: `flex: ${bytes} 0 0`, title: use }))),
      table(['what', '#bytes', '#share'], [
        ...entries.map(([use, bytes], i) => [element('span', { class: 'chip', '--swatch': swatch(use, i) }, use), counted(bytes), percent(bytes / all)]),
        [element('strong', {}, 'the file'), element('strong', {}, counted(all)), ''],
      ]));
  }

  const title = data.model || 'Narrow';
  document.title = title;
  byId('title').textContent = title;
  if (operators.length || subgraphs.length) showModel();
  if (data.bytes) showBytes();
  byId('bytes').hidden = !data.bytes;
  const main = subgraphs[0];
  if (main) {
    const ends = list => list.map(tensor => `${tensor.name} ${shapeOf(tensor)}`).join(', ');
    byId('facts').textContent = `${counted(operators.length)} operators; ` +
      (data.bytes ? `${counted(Object.values(data.bytes).reduce((sum, bytes) => sum + bytes, 0))} bytes; ` : '') +
      `${ends(main.inputs)} → ${ends(main.outputs)}`;
  }
})();
