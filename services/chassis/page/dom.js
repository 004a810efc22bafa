// Building elements. Text always becomes text nodes: nothing here, or anywhere in the page, is read as HTML.

/** An element: `h('button.big', {onclick, 'aria-label': …}, child, …)`; null children are left out. */
export function h(what, props = {}, ...children) {
  const [tag, ...classes] = what.split('.');
  const made = document.createElement(tag);
  if (classes.length) made.className = classes.join(' ');
  for (const [name, value] of Object.entries(props)) {
    if (value == null || value === false) continue;
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (name in made && !name.includes('-') && name !== 'list' && name !== 'form') made[name] = value;
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return made;
}

/** Put new content in a place; the focus, and what was being typed, stay where they were if the same thing is there. */
export function fill(place, ...children) {
  const held = place.contains(document.activeElement) ? document.activeElement : null;
  place.replaceChildren(...children.flat(Infinity).filter((child) => child != null && child !== false));
  const again = held?.dataset.key && place.querySelector(`[data-key="${CSS.escape(held.dataset.key)}"]`);
  if (!again) return;
  if (held.value) again.value = held.value;
  again.focus({ preventScroll: true });
}

const SVG = 'http://www.w3.org/2000/svg';
const PATHS = {
  back: 'M15 5l-7 7 7 7',
  out: 'M10 5H6v14h4M13 8l4 4-4 4M17 12H10',
  go: 'M9 5l7 7-7 7',
  pin: 'M12 21s-6.5-6.2-6.5-11a6.5 6.5 0 0113 0c0 4.8-6.5 11-6.5 11zM12 7.8a2.2 2.2 0 100 4.4 2.2 2.2 0 000-4.4z',
};

/** A small picture beside a word, hidden from those who listen. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', 'icon');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}

/** A sheet from below with a title; closes with Escape, with `close()`, or with its cross. `onclose` runs once. The
 * focus goes back where it was, also when that was drawn anew meanwhile. */
export function sheet(title, closing, ...children) {
  const id = `sheet-${Math.random().toString(36).slice(2)}`;
  const from = document.activeElement?.dataset?.key;
  const made = h('dialog.sheet', { 'aria-labelledby': id, onclose: () => {
    made.remove();
    if (from && document.activeElement === document.body) document.querySelector(`[data-key="${CSS.escape(from)}"]`)?.focus();
  } },
    h('div.sheet-head', {}, h('h2', { id }, title),
      h('button.plain', { type: 'button', 'aria-label': closing, onclick: () => made.close() }, '✕')),
    ...children);
  document.body.append(made);
  made.showModal();
  return made;
}
