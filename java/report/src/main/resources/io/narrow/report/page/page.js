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

const title = data.model || (evaluations.length ? fileOf(evaluations[0]) : 'Narrow');
document.title = title;
byId('title').textContent = title;
if (subgraphs.length) showModel();
if (evaluations.length) showSweep();
if (data.comparison) showErrors();
if (data.bytes) showBytes();
byId('bytes').hidden = !data.bytes;
byId('errors').hidden = !data.comparison;
byId('sweep').hidden = !evaluations.length;
for (const section of ['why', 'model']) byId(section).hidden = !subgraphs.length;
const main = subgraphs[0];
if (main) {
  const ends = list => list.map(tensor => `${tensor.name} ${shapeOf(tensor)}`).join(', ');
  byId('facts').textContent = `${counted(operators.length)} operators; ` +
    (data.bytes ? `${counted(Object.values(data.bytes).reduce((sum, bytes) => sum + bytes, 0))} bytes; ` : '') +
    `${ends(main.inputs)} → ${ends(main.outputs)}` +
    (data.compared_with ? `; compared with ${data.compared_with}` : '');
}
