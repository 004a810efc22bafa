// Doing something: the form an action needs, sending it once, and what is said when it could not be done. Which actions
// there are, and what they ask, comes from the service; only how a few of them look is made by hand.

import * as data from './data.js';
import { h, icon, sheet } from './dom.js';
import { field, gather, Missing } from './fields.js';
import { name, say, t, when } from './words.js';

const QUICK = {
  progress: [['已到现场查看', 'Looked at the place'], ['正在处理', 'Working on it'], ['等待材料', 'Waiting for material'], ['需要其他单位配合', 'Another unit is needed']],
  finish: [['已现场处理完毕，恢复正常。', 'Dealt with on the spot; all is in order again.'], ['已向诉求人说明情况。', 'Explained the matter to the caller.']],
};

/** The order in which an officer needs them; what is not named comes after, as the service lists it. */
export const FIRST = ['accept', 'contact', 'arrive', 'finish', 'progress'];

/** The actions, with their words and fields, of what a target is. */
const ofTarget = (known, target) => known[target.part ? 'assignment' : 'order'] ?? {};

/** Do `action` to `target`: {order, part} where part is null for the order's own. `after` gets the new state. */
export async function act(action, target, { after, fresh }) {
  const spec = ofTarget(await data.actions(), target)[action];
  const context = { action, spec, target, after, fresh };
  if (!spec) return refused(context, { code: 'action_unknown', body: {} });
  if (!spec.fields.length) return send(context, {}, null);
  return form(context);
}

function form(context) {
  const { action, spec, target } = context;
  const entries = spec.fields.map((one) => {
    const hinted = one.name === 'answer' ? { ...one, hint: t('answer_hint') } : one;
    return [hinted, field(hinted, target.order)];
  });
  const fault = h('p.fault', { role: 'alert' });
  const asks = action === 'contact' ? ['reached'] : [];
  const shown = entries.filter(([one]) => !asks.includes(one.name));
  const note = shown.find(([one]) => one.kind === 'long')?.[1].input;
  const buttons = asks.length
    ? [sender({ reached: true }, t('reached'), 'primary'), sender({ reached: false }, t('not_reached'), 'second')]
    : [sender({}, say(spec), 'primary')];
  const made = sheet(say(spec), t('close'), h('form', { noValidate: true, onsubmit: (event) => event.preventDefault() },
    h('p.quiet', {}, `${target.order.class.name} · ${target.order.number}`),
    shown.map(([, entry]) => entry.place),
    note && QUICK[action] && h('div.chips', {}, QUICK[action].map((words) => h('button.chip', { type: 'button', onclick: () => add(note, say(words)) }, say(words)))),
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

function add(note, words) {
  note.value = note.value ? `${note.value.trimEnd()} ${words}` : words;
  note.focus();
}

/** Send a body once, whatever is tapped meanwhile; `place` is the form it came from, if any. */
async function send(context, body, place) {
  const { action, target, spec } = context;
  const path = target.part ? `/v1/assignments/${target.part.assignment_id}` : `/v1/orders/${target.order.order_id}`;
  const version = (target.part ?? target.order).version;
  const said = JSON.stringify([body, version]);
  if (context.said !== said) Object.assign(context, { said, key: data.newKey() }); // the same words keep their key
  const write = { path: `${path}/actions/${action}`, version, body, key: context.key };
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
  const target = order && { order, part: context.target.part && order.assignments.find((a) => a.assignment_id === context.target.part.assignment_id) };
  const may = target && (context.target.part ? target.part?.actions : order.actions);
  const list = h('ul.changes', {}, (error.body.changes ?? []).map((change) => h('li', {}, happened(change, order ?? context.target.order))));
  place?.made.close();
  const made = sheet(t('changed'), t('close'),
    h('p', {}, t('changed_hint')), list,
    target && h('p', {}, t('changed_now', `${name('order', order.status)}${target.part ? ` · ${name('part', target.part.status)}` : ''}`)),
    may?.includes(context.action)
      ? h('div.buttons', {}, h('button.primary', { type: 'button', onclick: () => { made.close(); send({ ...context, target }, body, null); } }, t('changed_again')))
      : may && allowed(context, may, target, () => made.close()));
}

/** 409: what can be done instead. */
async function notAllowed(context, error, place) {
  const order = await context.fresh().catch(() => context.target.order);
  const part = context.target.part && order.assignments.find((a) => a.assignment_id === context.target.part.assignment_id);
  place?.made.close();
  const made = sheet(t('not_allowed', say(context.spec)), t('close'),
    h('p', {}, t('changed_now', name('order', order.status))),
    allowed(context, error.body.allowed ?? [], { order, part }, () => made.close()));
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
  const text = say({ zh: error.body.title_zh ?? error.code, en: error.body.title ?? error.code });
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

/** The buttons for what may be done to a target: the usual ones large, the rest behind “more”. */
export function actions(target, may, known, does) {
  const sorted = [...may].sort((a, b) => rank(a) - rank(b));
  const usual = sorted.filter((action) => FIRST.includes(action));
  const rest = sorted.filter((action) => !FIRST.includes(action));
  const main = next(target, usual);
  const specs = ofTarget(known, target);
  const button = (action) => h(`button.${action === main ? 'primary' : 'second'}`, {
    type: 'button', 'data-key': `do-${action}`, onclick: (event) => does(action, event.currentTarget),
  }, called(specs, action));
  const more = rest.length > 0 && h('button.second', { type: 'button', 'data-key': 'do-more', 'aria-haspopup': 'dialog', onclick: () => {
    const made = sheet(t('more_actions'), t('close'), h('div.buttons.tall', {}, rest.map((action) => h('button.second', {
      type: 'button', onclick: (event) => { made.close(); does(action, event.currentTarget); },
    }, called(specs, action), icon('go')))));
  } }, t('more_actions'));
  return [usual.map(button), more];
}

const rank = (action) => (FIRST.includes(action) ? FIRST.indexOf(action) : FIRST.length);

/** What comes next of the usual ones: the milestones that are still missing, then the end. */
function next(target, usual) {
  const part = target.part ?? {};
  const done = { contact: part.contacted_at, arrive: part.arrived_at };
  return usual.find((action) => !done[action]);
}
