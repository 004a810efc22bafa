// What my unit committed to in meetings, above the work; the earliest due first.

import * as data from './data.js';
import { h } from './dom.js';
import { left, light } from './queue.js';
import { name, say, t, when } from './words.js';

/** What `act` needs of a commitment: the special case stands where an order would. */
export const target = (one) => ({
  commitment: one,
  order: { class: { name: one.case.title }, number: one.case.number, reports: [], assignments: [], path: [], lead: one.unit },
});

/** What is open; `does.answer(commitment)` begins the answer. */
export function promises(commitments, actions, does) {
  if (!commitments?.length) return null;
  return h('section.card.promises', {}, h('h2', {}, t('commitments'), h('small', {}, ` ${commitments.length}`)),
    h('ul.rows', {}, commitments.map((one) => row(one, actions, does))));
}

function row(one, actions, does) {
  const clock = one.clock ?? { due: one.due, light: 'green' };
  return h('li', { 'data-light': light(clock) },
    h('p', {}, left(clock), ' ', h('span.quiet', {}, `${t('by', when(one.due, data.now()))} · ${one.case.number}`)),
    h('p', {}, h('b', {}, one.text)),
    h('p.quiet', {}, one.case.title, one.missed && h('span.tag.hot', {}, name('clock', 'missed')), one.asked > 1 && one.note && ` · ${t('sent_back', one.note)}`),
    actions && one.actions.includes('answer') && h('button.second', {
      type: 'button', 'data-key': `answer-${one.commitment_id}`, onclick: () => does.answer(one),
    }, say(actions.commitment.answer)));
}
