// The language spoken, what pages have in common to say in it, and times as people say them.

const KEY = 'paidan.language';
const preferred = () => (navigator.language?.toLowerCase().startsWith('zh') ? 'zh' : 'en');
let language = localStorage.getItem(KEY) ?? preferred();

export const lang = () => language;
export function speak(which) {
  language = which;
  localStorage.setItem(KEY, which);
  document.documentElement.lang = which === 'zh' ? 'zh-CN' : 'en';
}
speak(language);

/** One of two: a pair [zh, en], or an object with `zh` and `en` as the service sends them. */
export const say = (words) => (Array.isArray(words) ? words[language === 'zh' ? 0 : 1] : words[language]);

/** A page's own words: `t('retry')`, or `t('late', '3 h')` where a word has a gap `{}`. */
export const wordsOf = (page) => (key, ...gaps) => gaps.reduce((text, gap) => text.replace('{}', gap), say(page[key]));

/** The word for a value of the service: `name('order', 'triage')`; one without a word is shown as it is. */
export const namesOf = (known) => (kind, value) => (known[kind][value] ? say(known[kind][value]) : String(value ?? '').replaceAll('_', ' '));

export const COMMON = {
  app: ['派单', 'Paidan'],
  opening: ['正在打开…', 'Opening…'],
  other_language: ['English', '中文'],
  sign_out: ['退出登录', 'Sign out'],
  close: ['关闭', 'Close'],
  cancel: ['取消', 'Cancel'],
  refresh: ['刷新', 'Refresh'],
  retry: ['再试一次', 'Try again'],
  no_signal: ['没有信号：显示的是 {} 的内容，恢复后自动更新', 'No signal: this is as of {}; it updates by itself when the line is back'],
  no_signal_yet: ['没有信号，正在等待恢复', 'No signal; waiting for the line'],
  trying: ['信号不好，正在重试（第 {} 次）…', 'Weak signal, trying again ({})…'],
  more: ['更多工单', 'Show more'],
  late: ['已超时', 'Late'],
  order: ['工单', 'Order'],
  left: ['还剩 {}', '{} left'],
  over: ['已超 {}', '{} late'],
  by: ['{} 前', 'by {}'],
  sending: ['正在提交…', 'Sending…'],
  // signing in
  sign_in: ['登录', 'Sign in'],
  sign_in_hint: ['粘贴管理员发给你的登录令牌。', 'Paste the sign-in token you were given.'],
  token: ['登录令牌', 'Sign-in token'],
  keep: ['在这部手机上保持登录', 'Keep me signed in on this phone'],
  keep_hint: ['公用手机请不要勾选', 'Leave this off on a shared phone'],
  paste: ['粘贴', 'Paste'],
  scan: ['扫描二维码', 'Scan a QR code'],
  scan_hint: ['把令牌的二维码放进画面', 'Point the camera at the token’s QR code'],
  no_camera: ['相机打不开，请改用粘贴', 'The camera cannot be opened; paste instead'],
  token_empty: ['请先粘贴令牌', 'Paste a token first'],
  token_odd: ['这不是登录令牌，请检查是否复制完整', 'This is not a sign-in token; was it copied whole?'],
  token_over: ['令牌已于 {} 过期，请向管理员要一个新的', 'This token expired on {}; ask for a new one'],
  token_refused: ['系统不认这个令牌，请向管理员要一个新的', 'This system does not know this token; ask for a new one'],
  signed_out_expired: ['登录已过期，请用新的令牌登录', 'Your sign-in has expired; sign in with a new token'],
  signed_out_refused: ['登录已失效，请重新登录', 'Your sign-in is no longer valid; sign in again'],
};

export const COMMON_NAMES = {
  urgency: { normal: ['一般', 'Normal'], urgent: ['紧急', 'Urgent'], critical: ['非常紧急', 'Critical'] },
  tier: { city: ['市级', 'City'], district: ['区级', 'District'], street: ['街镇', 'Street'], sub_area: ['片区', 'Area'], committee: ['居村', 'Committee'] },
  stage: {
    triage: ['研判', 'Triage'], dispatch: ['派单', 'Dispatch'], accept: ['接单', 'Accept'], contact: ['先行联系', 'Contact'],
    arrive: ['到场', 'Arrive'], handle: ['处置', 'Handle'], verify: ['核查', 'Check'], callback: ['回访', 'Call back'],
    sign: ['签收', 'Sign for'], decide: ['审批', 'Decide'], answer: ['答复', 'Answer'], commitment: ['承诺', 'Commitment'], total: ['总时限', 'Whole order'],
  },
  clock: { running: ['计时中', 'running'], paused: ['暂停', 'paused'], met: ['已按时', 'in time'], missed: ['已超时', 'missed'], cancelled: ['已取消', 'cancelled'] },
};

// times

const two = (n) => String(n).padStart(2, '0');
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** What a problem of the service says, in the language spoken. */
export const problem = (error) => say([error.body.title_zh ?? error.code, error.body.title ?? error.code]);

/** A moment as people say it: the time alone for today, else with the day, with the year when it is another. */
export function when(moment, today) {
  const at = new Date(moment);
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}`;
  const days = Math.round((midnight(at) - midnight(today)) / 86_400_000);
  const near = { '-1': ['昨天', 'yesterday'], 0: ['今天', 'today'], 1: ['明天', 'tomorrow'] }[days];
  if (near) return `${say(near)} ${clock}`;
  const year = at.getFullYear() === today.getFullYear() ? '' : at.getFullYear();
  if (language === 'zh') return `${year && `${year}年`}${at.getMonth() + 1}月${at.getDate()}日 ${clock}`;
  return `${at.getDate()} ${MONTHS[at.getMonth()]}${year && ` ${year}`} ${clock}`;
}
const midnight = (at) => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();

/** A span in its two largest units: 3 天 4 小时, 2 小时 15 分, 12 分钟. */
export function span(ms) {
  const minutes = Math.floor(Math.abs(ms) / 60_000);
  const [d, hours, m] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
  const zh = language === 'zh';
  if (d) return zh ? `${d} 天${hours ? ` ${hours} 小时` : ''}` : `${d} d${hours ? ` ${hours} h` : ''}`;
  if (hours) return zh ? `${hours} 小时${m ? ` ${m} 分` : ''}` : `${hours} h${m ? ` ${m} min` : ''}`;
  if (minutes) return zh ? `${m} 分钟` : `${m} min`;
  return zh ? '不到 1 分钟' : 'less than 1 min';
}

/** How much time is left until a deadline, or how late it is. */
export const remaining = (due, today) => {
  const ms = new Date(due) - today;
  return say(COMMON[ms < 0 ? 'over' : 'left']).replace('{}', span(ms));
};
