// Signing in with a token: pasted, or read from a QR code where the phone can.

import * as data from './data.js';
import { fill, h, sheet } from './dom.js';
import { begin, claims, cleaned, end } from './session.js';
import { problem, t, when } from './words.js';

/** The sign-in view; `why` is said above it, `onin` is called when somebody is in. */
export function signin(main, { why, onin }) {
  const box = h('textarea', {
    id: 'token', rows: 4, spellcheck: false, autocomplete: 'off', autocapitalize: 'off', 'aria-describedby': 'token-fault',
    oninput: () => complain(''),
  });
  const keep = h('input', { type: 'checkbox', id: 'keep', checked: true, 'aria-describedby': 'keep-hint' });
  const fault = h('p.fault', { id: 'token-fault', role: 'alert' });
  const go = h('button.primary', { type: 'submit' }, t('sign_in'));
  const complain = (text) => { fault.textContent = text; box.setAttribute('aria-invalid', String(Boolean(text))); };

  async function submit(event) {
    event?.preventDefault();
    if (go.disabled) return;
    const text = cleaned(box.value);
    const said = claims(text);
    if (!text) return complain(t('token_empty'));
    if (!said) return complain(t('token_odd'));
    if (said.exp * 1000 <= data.now()) return complain(t('token_over', when(said.exp * 1000, data.now())));
    go.disabled = true;
    go.textContent = t('sending');
    begin(text, keep.checked);
    try {
      onin(await data.me());
    } catch (error) {
      if (error.status === 401 || !(error instanceof data.NoSignal)) end();
      complain(reason(error));
    } finally {
      go.disabled = false;
      go.textContent = t('sign_in');
    }
  }

  fill(main,
    h('form.card.signin', { onsubmit: submit, noValidate: true },
      h('h1', { tabIndex: -1 }, t('sign_in')),
      why && h('p.notice', {}, why),
      h('label', { htmlFor: 'token' }, t('token')),
      h('p.quiet', {}, t('sign_in_hint')),
      box, fault,
      h('div.row', {},
        navigator.clipboard?.readText && h('button', { type: 'button', onclick: () => paste(box) }, t('paste')),
        'BarcodeDetector' in window && h('button', { type: 'button', onclick: () => scan((text) => { box.value = text; submit(); }) }, t('scan'))),
      h('label.tick', {}, keep, h('span', {}, t('keep'), h('small', { id: 'keep-hint' }, t('keep_hint')))),
      go));
}

function reason(error) {
  if (error instanceof data.NoSignal) return t('no_signal_yet');
  if (error.status === 403) return problem(error);
  return t(error.code === 'token_expired' ? 'signed_out_expired' : 'token_refused');
}

async function paste(box) {
  try {
    box.value = await navigator.clipboard.readText();
    box.dispatchEvent(new Event('input'));
  } catch { /* not allowed: the person pastes by hand */ }
  box.focus();
}

/** Read a QR code with the camera, until one is seen or the sheet is closed. */
async function scan(onread) {
  const view = h('video', { playsInline: true, muted: true, 'aria-label': t('scan_hint') });
  const note = h('p.quiet', { role: 'status' }, t('scan_hint'));
  const shown = sheet(t('scan'), t('close'), note, view);
  let camera;
  shown.addEventListener('close', () => camera?.getTracks().forEach((track) => track.stop()));
  try {
    camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
    view.srcObject = camera;
    await view.play();
    const detector = new window.BarcodeDetector({ formats: ['qr_code'] });
    while (shown.open) {
      const [found] = await detector.detect(view);
      if (found) { shown.close(); onread(found.rawValue); return; }
      await new Promise((done) => setTimeout(done, 200));
    }
  } catch {
    note.textContent = t('no_camera');
  }
}
