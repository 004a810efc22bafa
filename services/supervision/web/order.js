// One order's deadlines, from a row of a list: what is late, what runs, who used how much; and the way to the order.

import * as data from './data.js';
import { fill, h, sheet } from './dom.js';
import { light, left } from './panels.js';
import { name, problem, span, t, when } from './words.js';

/** The sheet of an order (or of a special case, which has no page of its own); `onclose` runs when it is put away. */
export function order(id, page, onclose) {
  const place = h('div', {}, h('p.quiet.wait', {}, t('opening')));
  const made = sheet(t('clocks'), t('close'), place);
  made.addEventListener('close', onclose);
  data.clocks(id).then((found) => fill(place, shown(found, page)), (error) => fill(place,
    h('p.fault', { role: 'alert' }, error instanceof data.NoSignal ? t('no_signal_yet') : problem(error))));
  return made;
}

function shown({ order_id, clocks }, page) {
  const used = clocks.filter((one) => one.used).map((one) => one.used)[0];
  return [
    order_id && h('p.buttons', {}, h('a.button.primary', { href: `${page}#/order/${order_id}`, target: '_blank', rel: 'noopener' }, t('open_order'))),
    h('ul.list', {}, clocks.map((one) => h('li.flat', { 'data-light': light(one) },
      h('span.what', {}, h('b', {}, name('stage', one.stage)), ` ${name('clock', one.state)}`, h('small.quiet', {}, ` · ${t('policy', one.policy)}`)),
      h('span.quiet', {}, one.owner.name),
      ['running', 'missed'].includes(one.state) ? left(one) : h('span.quiet', {}, when(one.due, data.now()))))),
    used && h('section', {}, h('h3', {}, t('used')), h('ul.list', {}, used.by.map((part) => h('li.flat', {},
      h('span.what', {}, name('stage', part.stage)), h('span.quiet', {}, part.unit?.name ?? t('nobody')),
      h('span', {}, `${span(part.counted_seconds * 1000)} · ${Math.round(part.share * 100)}%`))))),
  ];
}
