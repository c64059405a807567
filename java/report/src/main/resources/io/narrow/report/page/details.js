const nameOf = (s, number) => subgraphs[s].tensors[number].name || `tensor ${number}`;

/** Fused operators have the names of all that they were made of. */
const shortened = name => name.length <= 65 ? name : `${name.slice(0, 30)} … ${name.slice(-30)}`;

function tensorButton(s, number) {
  return element('button', { class: 'link name', click: () => openTensor(s, number) }, shortened(nameOf(s, number)));
}

function openOperator(s, i) {
  const node = byId(`n${s}-${i}`);
  select(node);
  reveal(node);
  showOperator(s, i);
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
      rows.push([tensor.constant ? 'constant' : word, tensorButton(s, number), ...(data.comparison ? [errorCell(s, number)] : []), shapeOf(tensor)]);
    }
  }
  byId('details').replaceChildren(
    element('h3', {}, `${step.name}, operator ${i}` + (subgraphs.length > 1 ? ` of subgraph ${s}` : '')),
    definitions([
      ['in the file', chip(step.precision)],
      [mode ? `mode ${mode}` : '', step.planned_precision ? chip(step.planned_precision) : undefined],
      ['why', reasonOf(step)],
    ]),
    ...errorsOf(s, step.outputs),
    ...step.outputs.slice(0, 1).filter(tensor => seenOf(s, tensor)).map(tensor => histogram(seenOf(s, tensor))),
    table(['', 'tensor', ...(data.comparison ? ['#dB'] : []), 'type'], rows));
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
  const rule = errorOf(s, number)?.rule;
  const ruled = rule && tensor.constant ? { type: rule.precision, reason: rule.reason } : undefined;
  const decided = constant || activation || ruled;
  const writer = graph.graph.findIndex(step => step.outputs.includes(number));
  const readers = graph.graph.flatMap((step, i) => step.inputs.includes(number) ? [i] : []);
  const operatorButton = i => link(`${graph.graph[i].name} ${i}`, () => openOperator(s, i));
  const seen = seenOf(s, number) || tensor;
  const planned = decided && decided.type !== tensor.type;
  byId('details').replaceChildren(
    element('h3', { id: 'tensor' }, nameOf(s, number)),
    definitions([
      ['type', shapeOf(tensor) + (tensor.constant ? ', constant' : '')],
      ['quantization', quantization(tensor)],
      [mode ? `mode ${mode}` : '', decided ? `${decided.type}: ${decided.reason}` : undefined],
      [!decided && writer >= 0 ? 'why' : '', writer >= 0 && !decided ? reasonOf(graph.graph[writer]) : undefined],
      ['range', seen.range ? `${rounded(seen.range[0])} to ${rounded(seen.range[1])}` : undefined],
      [planned ? 'codes reach' : '', planned && tensor.reach ? `${rounded(tensor.reach[0])} to ${rounded(tensor.reach[1])}, zero point ${tensor.zero_point}` : undefined],
      ['clipped', seen.clipped === undefined ? undefined : percent(seen.clipped) + ' of the values'],
      ['not finite', tensor.not_finite],
      ['written by', writer < 0 ? undefined : operatorButton(writer)],
      ['read by', readers.length ? element('span', {}, ...readers.slice(0, 12).flatMap((i, at) => at ? [', ', operatorButton(i)] : [operatorButton(i)]),
        readers.length > 12 ? ` and ${readers.length - 12} more` : '') : undefined],
    ]),
    ...errorsOf(s, [number]),
    histogram(seen));
}
