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
        hits.push([`${step.name} ${i}`, () => openOperator(s, i)]);
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
