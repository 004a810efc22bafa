// What the page asks of supervision. Lists are filtered by a place and a stage, where one is chosen.

import { get } from './line.js';
import { claims, token } from './session.js';

export * from './line.js';

const ROWS = 30;

const asked = (path, given) => {
  const query = new URLSearchParams(Object.entries(given).filter(([, value]) => value));
  return get(`${path}?${query}`);
};

/** How it stands, counted. Throws Problem (403 for whoever may not see the whole city) or NoSignal. */
export const board = () => get('/v1/board');
/** Who is in, once the service has taken the token. */
export async function me() {
  await board();
  return claims(token());
}
export const places = () => get('/v1/places');
export const breaches = ({ division, stage }) => asked('/v1/breaches', { open: 'true', division, stage, limit: ROWS });
export const due = ({ division, stage, within }) => asked('/v1/due', { within, division, stage, limit: ROWS });
export const rungs = ({ division }) => asked('/v1/rungs', { division, limit: ROWS });
export const league = ({ division, kpi, kind }) => asked('/v1/kpis/league', { kpi, kind, division, period: 'month' });
export const month = (kpis) => asked('/v1/kpis', { period: 'month', kpi: kpis.join(',') });
export const clocks = (id) => get(`/v1/clocks/${encodeURIComponent(id)}`);
