// Doing something: the form an action needs, sending it once, and what is said when it could not be done. Which actions
// there are, and what they ask, comes from the service; only how a few of them look is made by hand.

import * as data from './data.js';
import { h, icon, sheet } from './dom.js';
import { field, gather, Missing } from './fields.js';
import { name, problem, say, t, when } from './words.js';

const QUICK = {
  progress: [['已到现场查看', 'Looked at the place'], ['正在处理', 'Working on it'], ['等待材料', 'Waiting for material'], ['需要其他单位配合', 'Another unit is needed']],
  finish: [['已现场处理完毕，恢复正常。', 'Dealt with on the spot; all is in order again.'], ['已向诉求人说明情况。', 'Explained the matter to the caller.']],
};

/** The order in which an officer needs them; what is not named comes after, as the service lists it. */
export const FIRST = ['accept', 'contact', 'arrive', 'finish', 'progress'];

/** The actions, with their words and fields, of what a target is. */
const ofTarget = (known, target) => known[target.commitment ? 'commitment' : target.request ? 'request' : target.part ? 'assignment' : 'order'] ?? {};
const thing = ({ order, part, request, commitment }) => commitment ?? request ?? part ?? order;

/** The same target in an order that was read anew. */
const again = (target, order) => ({
  order,
  part: target.part && order.assignments.find((one) => one.assignment_id === target.part.assignment_id),
  request: target.request && order.requests?.find((one) => one.request_id === target.request.request_id),
  commitment: target.commitment && (order.commitments?.find((one) => one.commitment_id === target.commitment.commitment_id) ?? { ...target.commitment, state: 'answered', actions: [] }),
});

/** Where an action on a target is sent. */
function address({ order, part, request, commitment }, action) {
  if (commitment) return `/v1/special-cases/${commitment.case_id}/commitments/${commitment.commitment_id}/actions/${action}`;
  if (request) return `/v1/requests/${request.request_id}/${action}`;
  return part ? `/v1/assignments/${part.assignment_id}/actions/${action}` : `/v1/orders/${order.order_id}/actions/${action}`;
}

const standing = (order, { part, commitment }) => (commitment ? name('commitment', commitment.state) : `${name('order', order.status)}${part ? ` · ${name('part', part.status)}` : ''}`);

/** Do `action` to `target`: an {order}, its {order, part}, a {order, request} or a {order, commitment}. `after` gets the new state. */
export async function act(action, target, { after, fresh }) {
  const spec = ofTarget(await data.actions(), target)[action];
  const context = { action, spec, target, after, fresh };
  if (!spec) return refused(context, { code: 'action_unknown', body: {} });
  if (!spec.fields.length) return send(context, {}, null);
  return form(context);
}

function form(context) {
  const { action, spec, target } = context;
  const one = (name) => spec.fields.find((part) => part.name === name);
  const alone = target.order.reports.length < 2;
  const asked = spec.fields.filter(({ name }) => !(action === 'contact' && ['reached', 'reason'].includes(name)) && !(name === 'answers' && alone));
  const shown = asked.map((part) => {
    const hinted = part.name === 'answer' && !target.commitment ? { ...part, hint: t('answer_hint') } : part;
    return [hinted, field(hinted, target.order)];
  });
  const fault = h('p.fault', { role: 'alert' });
  const note = shown.find(([part]) => part.kind === 'long')?.[1].input;
  const buttons = action === 'contact'
    ? [sender({ reached: true }, t('reached'), 'primary'), ...(one('reason')?.options ?? [{}]).map((why) => sender(
      { reached: false, ...(why.value && { reason: why.value }) }, why.value ? say(why) : t('not_reached'), 'second'))]
    : [sender({}, say(spec), 'primary')];
  if (action === 'contact' && one('reason')) buttons.splice(1, 0, h('p.quiet', {}, t('not_reached_because')));
  only(shown, 'hard_case_owner', 'result', 'not_possible');
  const made = sheet(say(spec), t('close'), h('form', { noValidate: true, onsubmit: (event) => event.preventDefault() },
    h('p.quiet', {}, `${target.order.class.name} · ${target.order.number}`),
    shown.map(([, entry]) => [entry.place, entry.input && entry.input === note && quick(action, note)]),
    fault, h('div.buttons', {}, buttons)));
  made.querySelector('textarea, input')?.focus();

  function sender(given, words, style) {
    return h(`button.${style}`, { type: 'submit', onclick: () => submit(given) }, words);
  }

  function submit(given) {
    fault.textContent = '';
    try {
      const body = { ...gather(shown), ...given };
      send(context, body, { made, fault, buttons });
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      fault.textContent = error.message;
      error.place?.focus();
    }
  }
}

/** Ask a field only when another says so. */
function only(shown, name, by, value) {
  const of = (wanted) => shown.find(([part]) => part.name === wanted)?.[1];
  const [dependent, leading] = [of(name), of(by)];
  if (!dependent || !leading) return;
  const show = () => { dependent.place.hidden = leading.picked()?.value !== value; };
  leading.place.addEventListener('change', show);
  show();
}

/** What is often said, to be tapped. */
const quick = (action, note) => QUICK[action] && h('div.chips', {}, QUICK[action].map((words) => h('button.chip', {
  type: 'button', onclick: () => add(note, say(words)),
}, say(words))));

function add(note, words) {
  note.value = note.value ? `${note.value.trimEnd()} ${words}` : words;
  note.focus();
}

/** Send a body once, whatever is tapped meanwhile; `place` is the form it came from, if any. */
async function send(context, body, place) {
  const { action, target, spec } = context;
  const { version } = thing(target);
  const said = JSON.stringify([body, version]);
  if (context.said !== said) Object.assign(context, { said, key: data.newKey() }); // the same words keep their key
  const write = { path: address(target, action), version, body, key: context.key };
  const busy = place?.buttons ?? [];
  busy.forEach((button) => { button.disabled = true; });
  if (place) place.fault.textContent = t('sending');
  const retrying = ({ detail }) => { if (place) place.fault.textContent = t('trying', detail); };
  data.heard.addEventListener('sending', retrying);
  try {
    const changed = await data.outbox.send(write);
    place?.made.close();
    context.after(changed, t('done', say(spec)));
  } catch (error) {
    if (error instanceof data.NoSignal || error.status >= 500) unsent(context, body, place);
    else if (error.code === 'version_stale') await stale(context, body, error, place);
    else if (error.code === 'action_not_allowed') await notAllowed(context, error, place);
    else if (error.status !== 401) refused(context, error, place);
    else place?.made.close();
  } finally {
    data.heard.removeEventListener('sending', retrying);
    busy.forEach((button) => { button.disabled = false; });
  }
}

/** Nothing came back: what was written stays, and is sent again under the same key. */
function unsent(context, body, place) {
  if (place) { place.fault.textContent = t('unsent'); return; }
  const fault = h('p.fault', { role: 'alert' }, t('unsent'));
  const again = h('button.primary', { type: 'button', onclick: () => send(context, body, { made, fault, buttons: [again] }) }, t('retry'));
  const made = sheet(say(context.spec), t('close'), fault, h('div.buttons', {}, again));
}

/** 412: what changed since, and the same again on the new state where that is still possible. */
async function stale(context, body, error, place) {
  const order = await context.fresh().catch(() => null);
  const target = order && again(context.target, order);
  const may = target && thing(target).actions;
  const list = h('ul.changes', {}, (error.body.changes ?? []).map((change) => h('li', {}, happened(change, order ?? context.target.order))));
  place?.made.close();
  const made = sheet(t('changed'), t('close'),
    h('p', {}, t('changed_hint')), list,
    target && h('p', {}, t('changed_now', standing(order, target))),
    may?.includes(context.action)
      ? h('div.buttons', {}, h('button.primary', { type: 'button', onclick: () => { made.close(); send({ ...context, target }, body, null); } }, t('changed_again')))
      : may && allowed(context, may, target, () => made.close()));
}

/** 409: what can be done instead. */
async function notAllowed(context, error, place) {
  const order = await context.fresh().catch(() => context.target.order);
  place?.made.close();
  const made = sheet(t('not_allowed', say(context.spec)), t('close'),
    h('p', {}, t('changed_now', context.target.commitment ? standing(order, again(context.target, order)) : name('order', order.status))),
    allowed(context, context.target.commitment ? again(context.target, order).commitment.actions : error.body.allowed ?? [], again(context.target, order), () => made.close()));
}

function allowed(context, may, target, close) {
  if (!may.length) return h('p', {}, t('allowed_none'));
  const buttons = h('div.buttons', {}, may.map((action) => h('button.second', {
    type: 'button', onclick: () => { close(); act(action, target, context); }, 'data-action': action,
  }, action)));
  data.actions().then((known) => buttons.childNodes.forEach((b) => { b.textContent = called(ofTarget(known, target), b.dataset.action); }));
  return [h('p', {}, t('allowed_now')), buttons];
}

function refused(context, error, place) {
  const text = problem(error);
  const detail = error.body.detail ? `${text} (${error.body.detail})` : text;
  if (place) place.fault.textContent = detail;
  else sheet(t('refused'), t('close'), h('p.fault', { role: 'alert' }, detail));
}

const called = (specs, action) => (specs[action] ? say(specs[action]) : action);

/** One change in words: when, who, what. */
export function happened(change, order) {
  const units = new Map([...order.assignments.map((a) => a.unit), order.lead, ...order.path.map((hop) => hop.unit)].map((u) => [u.unit_id, u.name]));
  const words = h('b', {}, name('happened', change.type));
  data.actions().then((known) => {
    const spec = (change.assignment_id && known.assignment[change.action]) || known.order[change.action];
    if (spec) words.textContent = say(spec);
  });
  const who = change.unit ? (units.get(change.unit) ?? change.unit) : t('history_by');
  return [h('time', { dateTime: change.recorded_at }, when(change.occurred_at ?? change.recorded_at, data.now())), ' ', words, ' ', h('span.quiet', {}, who)];
}

/** The buttons for what may be done, [{action, target}, …]: the usual ones large, the rest behind “more”. */
export function buttons(may, known, does) {
  const sorted = [...may].sort((a, b) => rank(a.action) - rank(b.action));
  const usual = sorted.filter(({ action, target }) => target.part && FIRST.includes(action));
  const rest = sorted.filter((one) => !usual.includes(one));
  const main = next(usual);
  const words = ({ action, target }) => called(ofTarget(known, target), action);
  const more = rest.length > 0 && h('button.second', { type: 'button', 'data-key': 'do-more', 'aria-haspopup': 'dialog', onclick: () => {
    const made = sheet(t('more_actions'), t('close'), h('div.buttons.tall', {}, rest.map((one) => h('button.second', {
      type: 'button', onclick: () => { made.close(); does(one.action, one.target); },
    }, words(one), icon('go')))));
  } }, t('more_actions'));
  return [usual.map((one) => h(`button.${one === main ? 'primary' : 'second'}`, {
    type: 'button', 'data-key': `do-${one.action}`, onclick: () => does(one.action, one.target),
  }, words(one))), more];
}

const rank = (action) => (FIRST.includes(action) ? FIRST.indexOf(action) : FIRST.length);

/** What comes next of the usual ones: the milestones that are still missing, then the end. */
function next(usual) {
  return usual.find(({ action, target: { part } }) => !({ contact: part.contacted_at, arrive: part.arrived_at })[action]);
}
