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

// Operators, all subgraphs in a row.
const operators = subgraphs.flatMap((graph, s) => (graph.graph || []).map((step, i) => ({ step, s, i })));
const quantized = operators.some(({ step }) => !['float32', 'other'].includes(step.precision));

// What the rules of a mode make of an operator, in the words of a comparison.
const RULED = { float32: 'float32', 'integer weights': 'hybrid', integer: mode === 'int16x8' ? 'int16' : 'int8',
  'float32 from smaller weights': mode === 'float16' ? 'float16' : 'stored' };
for (const { step, s } of data.comparison ? operators : []) {
  const rule = step.outputs.map(tensor => errorOf(s, tensor)).find(entry => entry && entry.rule)?.rule;
  if (rule) {
    step.rule = rule;
    step.planned_precision = RULED[rule.precision] || 'other';
  }
}
let view = errorViews[0] || (plan && !quantized ? 'plan' : 'file');

const precisionOf = step => view === 'plan' && step.planned_precision || step.precision;
const decision = step => step.rule || (plan && step.plan !== undefined ? plan.operators[step.plan] : undefined);

function reasonOf(step) {
  const decided = decision(step);
  if (!decided) return '';
  if (view === 'plan' || step.planned_precision === step.precision) return decided.reason;
  if (step.precision === 'float32') {
    return `mode ${mode} would compute it with ${PRECISIONS[step.planned_precision]}` +
      (decided.reason ? `: ${decided.reason}` : '');
  }
  return step.rule && step.planned_precision === 'float32' && decided.reason
    ? `as the file has it; mode ${mode} would leave it float32: ${decided.reason}` : 'as the file has it';
}

/** The reason without what differs from one operator to the next. */
const kindOf = reason => reason
  .replace(/^[A-Z][A-Z0-9_]+ (has|have) /, '$1 ')
  .replace(/^`[^`]*`( stays float32)?: /, '')
  .replace(/`[^`]*`/g, '…')
  .replace(/^([\d,]+) elements?, fewer than (\d+)/, 'weights of fewer than $2 elements')
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
  byId('why-title').textContent = mode ? 'Why layers are float or integer' : 'Precision';
  byId('answer').replaceChildren(
    element('p', {}, subject),
    ...leads,
    table(['computes with', 'operators', ...(mode ? ['why'] : [])], rows.map(({ precision, reasons, list }) => [
      chip(precision),
      link(countedKinds(list), () => mark(list)),
      ...(mode ? [reasons.size === 0 ? '–' : listed([...reasons])] : []),
    ])),
    ...(mode && !plan ? [element('p', { class: 'soft' }, `Reasons are the rules of mode ${mode}, by which the file looks made.`)] : []),
    ...(mode || leads.length === 0 ? [] : [element('p', { class: 'soft' }, 'Reasons: narrow inspect --html.')]));
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
