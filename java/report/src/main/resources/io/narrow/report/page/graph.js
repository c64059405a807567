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
  const errors = errorViews.includes(view);
  const words = errors ? LEVELS : PRECISIONS;
  const used = new Map(Object.keys(words).map(name => [name, []]));
  for (const operator of operators) used.get(errors ? levelOf(operator) : precisionOf(operator.step)).push(operator);
  byId('legend').replaceChildren(...[...used].filter(([, list]) => list.length).map(([name, list]) =>
    element('button', { 'aria-label': `mark ${words[name]}`, click: () => mark(list) },
      chip(name, words[name]), ` ${list.length}`)));
}

function setView(chosen) {
  view = chosen;
  graphs.dataset.view = view;
  if (data.comparison) writeErrors();
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

/** Goes to the other end of a line that is not drawn, if there is one only. */
function follow(id) {
  const [s, tensor] = place(id);
  const far = [...graphs.querySelectorAll(`[id^="i${s}-${tensor}-"]`)].map(stub => `n${s}-${place(stub.id)[2]}`);
  const writer = subgraphs[s].graph.findIndex(step => step.outputs.includes(tensor));
  const ends = id[0] === 'i' ? [writer < 0 ? `e${s}-${tensor}` : `n${s}-${writer}`] : far;
  if (ends.length !== 1) return;
  select(byId(ends[0]));
  reveal(byId(ends[0]));
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
    if (hit && hit.matches('.stub')) follow(hit.id);
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
      const step = subgraphs[s].graph[i];
      const error = errorText({ s, i, step });
      node.setAttribute('aria-label', `${step.name}, operator ${i}, ${PRECISIONS[precisionOf(step)]}` + (error ? `, ${error}` : ''));
    }
  });
}

function showModel() {
  const views = [...errorViews.map(name => [name, ERROR_VIEWS[name]]), ['file', 'precision in the file'], ...(plan ? [['plan', `precision after mode ${plan.mode}`]] : [])];
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
