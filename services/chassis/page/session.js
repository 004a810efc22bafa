// Who is signed in. The page takes a bearer token and nothing else, so this is where another way to get one goes: a city
// with its own identity provider (OIDC) sends people there and calls `begin` with the token it came back with.

const KEY = 'paidan.token';
const stores = () => [localStorage, sessionStorage];

/** The token, or null. */
export const token = () => stores().map((store) => store.getItem(KEY)).find(Boolean) ?? null;

/** Start with a token: kept on this phone, or only until the page is closed. */
export function begin(text, keep) {
  end();
  (keep ? localStorage : sessionStorage).setItem(KEY, text);
}

/** Forget the token. */
export const end = () => stores().forEach((store) => store.removeItem(KEY));

/** What people paste, freed of what comes along with it: quotes, line breaks, `Bearer`, `export TOKEN=`. */
export const cleaned = (text) => text.replace(/^\s*(export\s+)?\w+=/, '').replace(/^\s*bearer\s+/i, '').replace(/["'\s]/g, '');

/** What a token says of itself, unchecked ({sub, role, unit, exp}); null for what is no token. */
export function claims(text) {
  try {
    const bytes = Uint8Array.from(atob(text.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
    const said = JSON.parse(new TextDecoder().decode(bytes));
    return typeof said.exp === 'number' && text.split('.').length === 3 ? said : null;
  } catch {
    return null;
  }
}
