// Errors of a comparison, as --json has them.
const compared = Object.entries(data.comparison || {}).filter(([, graph]) => graph.intermediate_tensors)
  .flatMap(([signature, graph]) => [[signature, graph], ...(graph.bodies || []).map(body => ['', body])]);
const errors = new Map();
for (const [, graph] of compared) {
  for (const role of ['constant_tensors', 'input_tensors', 'intermediate_tensors', 'output_tensors']) {
    for (const [name, entry] of Object.entries(graph[role])) {
      errors.set(`${graph.subgraph}-${entry.tensor}`, { ...entry, name, output: role === 'output_tensors', constant: role === 'constant_tensors', s: graph.subgraph });
    }
  }
}

const ERROR_VIEWS = { local: 'error of each operator alone', accumulated: 'error end to end' };
const errorViews = !data.comparison ? []
  : [...errors.values()].some(entry => 'local_mse' in entry) ? ['local', 'accumulated'] : ['accumulated'];

// SQNR in decibels, by the names of colours: from what is wrong to what rounding explains.
const LEVELS = {
  wrong: 'below 10 dB', poor: '10 to 20 dB', fair: '20 to 30 dB', good: '30 dB and more', unseen: 'not compared',
};

const errorOf = (s, tensor) => errors.get(`${s}-${tensor}`);
const prefixOf = kind => kind === 'local' ? 'local_' : '';
const has = (entry, kind) => Boolean(entry) && `${prefixOf(kind)}mse` in entry;

/** JSON has no infinity: no noise, or noise without a signal. Values that are not finite are worse. */
function decibels(entry, kind) {
  const prefix = prefixOf(kind);
  if (entry[`${prefix}not_finite`]) return NaN;
  return entry[`${prefix}sqnr_db`] ?? (entry[`${prefix}mse`] === 0 ? Infinity : -Infinity);
}

function decibelText(value) {
  if (Number.isNaN(value)) return 'not finite';
  return value === Infinity ? 'equal' : value === -Infinity ? 'no signal' : value.toFixed(1).replace(/^-0\.0$/, '0.0');
}

const unit = value => decibelText(value) + (Number.isFinite(value) ? ' dB' : '');
const level = value => !(value >= 10) ? 'wrong' : value < 20 ? 'poor' : value < 30 ? 'fair' : 'good';
const worse = kind => (a, b) => {
  const rank = entry => Number.isNaN(decibels(entry, kind)) ? -Number.MAX_VALUE : Math.max(decibels(entry, kind), -1e300);
  return rank(a) - rank(b);
};

/** The worst of what an operator writes. */
function worstOf({ s, step }, kind) {
  return step.outputs.map(tensor => errorOf(s, tensor)).filter(entry => has(entry, kind)).sort(worse(kind))[0];
}

function levelOf(operator) {
  const worst = worstOf(operator, view);
  return worst ? level(decibels(worst, view)) : 'unseen';
}

function errorText(operator) {
  if (!errorViews.includes(view)) return '';
  const worst = worstOf(operator, view);
  return worst ? unit(decibels(worst, view)) : '';
}

/** Colours the graph, and writes into each operator what the colour says. */
function writeErrors() {
  for (const operator of operators) {
    const node = byId(`n${operator.s}-${operator.i}`);
    let text = node.querySelector('.db');
    if (!text) {
      text = document.createElementNS(node.namespaceURI, 'text');
      text.setAttribute('class', 'db');
      text.setAttribute('x', node.querySelector('rect').getAttribute('width') - 6);
      text.setAttribute('y', 15);
      node.append(text);
    }
    text.textContent = errorText(operator);
    node.dataset.level = errorViews.includes(view) ? levelOf(operator) : '';
  }
}

/** The error that a tensor has when it is read, as a cell of a table. */
function errorCell(s, tensor) {
  const entry = errorOf(s, tensor);
  return has(entry, 'accumulated') ? chip(level(decibels(entry, 'accumulated')), decibelText(decibels(entry, 'accumulated'))) : '–';
}

/** What was measured of tensors: a table for each. */
function errorsOf(s, tensors) {
  const found = tensors.map(tensor => errorOf(s, tensor)).filter(entry => entry);
  return found.map(entry => {
    const kinds = ['local', 'accumulated'].filter(kind => has(entry, kind));
    const figure = (name, text) => kinds.map(kind => {
      const value = entry[prefixOf(kind) + name];
      return value === undefined ? '–' : text(value);
    });
    const rows = [
      ['SQNR', ...kinds.map(kind => chip(level(decibels(entry, kind)), unit(decibels(entry, kind))))],
      ['cosine', ...figure('cosine_similarity', value => value.toFixed(5))],
      ['largest error', ...figure('max_abs', rounded)],
      ...('rmse_over_scale' in entry ? [
        ['error in steps', ...figure('rmse_over_scale', value => value.toFixed(2))],
        ['largest in steps', ...figure('max_over_scale', value => value.toFixed(1))]] : []),
      ['mean error', ...figure('mean_error', rounded)],
    ];
    return element('div', {},
      element('p', {}, found.length > 1 ? `Error of ${entry.name}` : 'Error',
        kinds.length > 1 ? ' (alone: this operator on the float model\'s values; end to end: with all before it)' : ''),
      table(['', ...kinds.map(kind => kind === 'local' ? '#alone' : entry.constant ? '#as stored' : '#end to end')], rows));
  });
}

/** The float values that a tensor stands for, with what its codes reach. */
function seenOf(s, tensor) {
  const entry = errorOf(s, tensor);
  return entry && entry.histogram ? { ...entry, clipped: entry.reach ? entry.clipped_fraction : undefined } : undefined;
}

function worstTable(graph) {
  const all = [...errors.values()].filter(entry => entry.s === graph.subgraph && entry.operator >= 0);
  const kind = all.some(entry => has(entry, 'local')) ? 'local' : 'accumulated';
  const cell = kind_ => entry => has(entry, kind_) ? chip(level(decibels(entry, kind_)), decibelText(decibels(entry, kind_))) : '–';
  const figure = (entry, name, text) => (value => value === undefined ? '–' : text(value))(entry[prefixOf(kind) + name]);
  const rows = all.filter(entry => has(entry, kind)).sort(worse(kind)).map(entry => () => [
    link(`${entry.operator_name} ${entry.operator}`, () => openOperator(entry.s, entry.operator)),
    ...errorViews.map(each => cell(each)(entry)),
    figure(entry, 'cosine_similarity', value => value.toFixed(4)),
    figure(entry, 'max_abs', value => String(Number(value.toPrecision(3)))),
    figure(entry, 'rmse_over_scale', value => value.toFixed(2)),
    'rmse_over_scale' in entry ? (entry.clipped_fraction ? percent(entry.clipped_fraction) : '0') : '–',
    tensorButton(entry.s, entry.tensor),
  ]);
  const heads = { local: '#alone, dB', accumulated: '#end to end, dB' };
  return longTable(['operator', ...errorViews.map(each => heads[each]), '#cosine', '#largest', '#steps', '#clipped', 'tensor'], rows, 10);
}

function titleOf(signature, graph) {
  const by = graph.called_by;
  return by
    ? element('h3', {}, `${shortened(graph.name)}, which `, link(`${by.operator_name} ${by.operator}`, () => openOperator(by.subgraph, by.operator)),
      ` has run ${counted(graph.samples)} times`)
    : element('h3', {}, `signature ${signature}`);
}

function showErrors() {
  byId('error-tables').replaceChildren(...compared.flatMap(([signature, graph]) => {
    const bad = errorOf(graph.subgraph, graph.first_bad_tensor);
    const outputs = [...errors.values()].filter(entry => entry.s === graph.subgraph && entry.output);
    const lead = element('p', { class: 'lead' }, ...(bad
      ? ['The first operator that is bad alone is ', link(`${bad.operator_name} ${bad.operator}`, () => openOperator(bad.s, bad.operator)),
        `: ${unit(decibels(bad, 'local'))}. `]
      : errorViews.includes('local') ? ['No operator alone is below 20 dB. '] : []),
    ...outputs.flatMap((entry, at) => [at ? ', ' : 'Output ', tensorButton(entry.s, entry.tensor), `: ${unit(decibels(entry, 'accumulated'))}`]), '.');
    return [
      ...(compared.length > 1 ? [titleOf(signature, graph)] : []),
      lead,
      ...(graph.called_by ? [] : [element('p', { class: 'soft' }, `${counted(graph.samples)} samples, worst first. SQNR is the signal to quantization noise ratio, in decibels; ` +
        'alone: the operator on the float model\'s values; end to end: with all before it. Steps: root of the mean squared error in steps of the scale; 0.29 is rounding alone.')]),
      worstTable(graph),
      ...restoredTable(graph.restored),
      ...graph.unseen.map(line => element('p', { class: 'soft' }, `not compared: ${line}`)),
    ];
  }));
}

function restoredTable(restored) {
  if (!restored.length) return [];
  const text = value => value === undefined ? '–' : value.toFixed(1);
  return [
    element('p', {}, 'What the outputs gain where the worst operators are float again, each alone, and together with those above it:'),
    table(['operator', '#alone, dB', '#outputs, dB', '#restored alone', '#together', 'tensor of the float model'], restored.map(entry => [
      entry.operator_name, text(entry.local_sqnr_db), text(entry.before_db), text(entry.alone_db), text(entry.together_db),
      element('span', { class: 'name' }, shortened(entry.float_name) + (entry.problem ? `: ${entry.problem}` : ''))])),
    element('details', {}, element('summary', {}, 'to keep them float'),
      ...restored.filter(entry => !entry.problem).map(entry => element('p', {}, element('code', { class: 'name' }, `--keep-float '${entry.keep_float.replaceAll("'", "'\\''")}'`)))),
  ];
}
