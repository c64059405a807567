const byId = id => document.getElementById(id);
const data = JSON.parse(byId('data').textContent);
const subgraphs = data.subgraphs || [];
const plan = data.plan;
// By whose rules there are reasons: of a comparison those of the mode by which the file looks made.
const mode = plan ? plan.mode : data.comparison && data.comparison.mode;

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
const chip = (name, text) => element('span', { class: 'chip', '--swatch': `var(--${name})` }, text || PRECISIONS[name]);
const shapeOf = tensor => `${tensor.type}[${tensor.shape.join('×')}]`;

/** Heads that begin with # are those of numbers. */
function table(heads, rows) {
  const cells = (row, name) => row.map((cell, i) =>
    element(name, { class: heads[i].startsWith('#') ? 'number' : undefined, scope: name === 'th' ? 'col' : undefined }, cell));
  return element('div', { class: 'wide' }, element('table', {},
    element('thead', {}, element('tr', {}, ...cells(heads.map(head => head.replace('#', '')), 'th'))),
    element('tbody', {}, ...rows.map(row => element('tr', {}, ...cells(row, 'td'))))));
}

const link = (text, click) => element('button', { class: 'link', click }, text);

/** A table of the first rows, and a button for the others. */
function longTable(heads, rows, most) {
  const place = element('div', {});
  const show = count => {
    const more = link(`show all ${counted(rows.length)}`, () => show(rows.length));
    place.replaceChildren(table(heads, rows.slice(0, count).map(row => row())), ...(count < rows.length ? [more] : []));
  };
  show(most);
  return place;
}
