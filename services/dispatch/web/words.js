// Everything the page says, in Chinese and English; and times as people say them. Actions, their fields and choices
// are not here: their words come with `/v1/actions`.

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

/** The page's own words: `t('retry')`, or `t('late', '3 h')` where a word has a gap `{}`. */
export const t = (key, ...gaps) => gaps.reduce((text, gap) => text.replace('{}', gap), say(PAGE[key]));

/** The word for a value of the service: `name('order', 'triage')`; one without a word is shown as it is. */
export const name = (kind, value) => (NAMES[kind][value] ? say(NAMES[kind][value]) : String(value ?? '').replaceAll('_', ' '));

const PAGE = {
  app: ['派单', 'Paidan'],
  opening: ['正在打开…', 'Opening…'],
  other_language: ['English', '中文'],
  sign_out: ['退出登录', 'Sign out'],
  back: ['返回工单列表', 'Back to my work'],
  close: ['关闭', 'Close'],
  cancel: ['取消', 'Cancel'],
  refresh: ['刷新', 'Refresh'],
  retry: ['再试一次', 'Try again'],
  // the line
  no_signal: ['没有信号：显示的是 {} 的内容，恢复后自动更新', 'No signal: this is as of {}; it updates by itself when the line is back'],
  no_signal_yet: ['没有信号，正在等待恢复', 'No signal; waiting for the line'],
  trying: ['信号不好，正在重试（第 {} 次）…', 'Weak signal, trying again ({})…'],
  live: ['实时更新', 'Live'],
  not_live: ['非实时，每分钟更新', 'Not live; updates every minute'],
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
  no_unit: ['你的令牌没有所属单位，没有工单列表；可以按工单号查看', 'Your token names no unit, so there is no list; you can open an order by its number'],
  // the queue
  mine: ['我的工单', 'My work'],
  nothing: ['目前没有待办工单', 'Nothing to do right now'],
  nothing_hint: ['有新工单时会自动出现在这里', 'New work appears here by itself'],
  nothing_such: ['这一类里没有工单', 'Nothing of this kind'],
  more: ['更多工单', 'Show more'],
  all: ['全部', 'All'],
  late: ['已超时', 'Late'],
  soon: ['快到期', 'Due soon'],
  new: ['待接单', 'New'],
  find: ['按工单号打开', 'Open by number'],
  find_go: ['打开', 'Open'],
  rings: ['{}工单 {}，请立即处理', '{}: order {} needs you now'],
  new_work: ['有新工单', 'New work has come in'],
  sort: ['排序', 'Order'],
  by_due: ['先到期的在前', 'Earliest due first'],
  by_light: ['红灯在前', 'Red first'],
  by_distance: ['离我近的在前', 'Nearest first'],
  metres: ['{} 米', '{} m'],
  kilometres: ['{} 公里', '{} km'],
  no_place: ['手机没有给出位置，按到期排序', 'The phone did not give its place; sorted by due'],
  filter: ['筛选', 'Filter'],
  // one order
  order: ['工单', 'Order'],
  no_due: ['没有时限', 'No deadline'],
  left: ['还剩 {}', '{} left'],
  over: ['已超 {}', '{} late'],
  by: ['{} 前', 'by {}'],
  place: ['地点', 'Place'],
  navigate: ['导航', 'Navigate'],
  what: ['诉求内容', 'What was said'],
  reports: ['{} 件诉求', '{} reports'],
  parts: ['承办单位', 'Units'],
  passed_on_by: ['由 {} 转派', 'passed on by {}'],
  my_part: ['本单位', 'my unit'],
  requests: ['申请', 'Requests'],
  decide: ['审批', 'Decide'],
  until: ['到 {}', 'until {}'],
  photos: ['照片', 'Photos'],
  photo_add: ['拍照上传', 'Add a photo'],
  photo_which: ['这张照片是', 'This photo shows'],
  photo_sending: ['正在上传 {}…', 'Sending {}…'],
  photo_sent: ['照片已上传', 'Photo sent'],
  photo_odd: ['这不是能用的照片', 'This is no photo that can be used'],
  photo_see: ['查看照片', 'See the photos'],
  photo_by: ['{}，{}', '{}, {}'],
  photo_wanted: ['办结前须上传：{}', 'Before finishing, add: {}'],
  duty: ['值班', 'On duty'],
  duty_none: ['{}：无人值班', '{}: nobody is on'],
  duty_instead: ['改呼 {}', 'ring {} instead'],
  deputy: ['副班 {}', 'deputy {}'],
  another: ['再加一项', 'Add another'],
  path: ['流转路径', 'Path'],
  by_rule: ['规则', 'rule'],
  clocks: ['时限', 'Deadlines'],
  history: ['办理过程', 'History'],
  history_by: ['系统', 'system'],
  reporter: ['诉求人', 'Reporter'],
  confidential: ['要求保密', 'asked to stay confidential'],
  answer: ['答复', 'Answer'],
  accepted_at: ['接单', 'accepted'],
  contacted_at: ['联系', 'contacted'],
  arrived_at: ['到场', 'arrived'],
  done_at: ['办结', 'finished'],
  round: ['第 {} 轮', 'round {}'],
  opened: ['立案', 'opened'],
  not_found: ['没有这张工单', 'There is no such order'],
  not_yours: ['这张工单不属于你的单位', 'This order belongs to another unit'],
  commitments: ['承诺事项', 'Commitments'],
  sent_back: ['已退回：{}', 'sent back: {}'],
  case_of: ['专项 {}', 'Special case: {}'],
  nothing_to_do: ['目前没有你可以做的操作', 'There is nothing for you to do here now'],
  more_actions: ['更多操作', 'More'],
  do_what: ['可以做什么', 'What you can do'],
  // doing something
  send: ['提交', 'Send'],
  sending: ['正在提交…', 'Sending…'],
  done: ['已提交：{}', 'Done: {}'],
  unsent: ['没有信号，还没有送出。内容还在，恢复后再试。', 'No signal: not sent yet. What you wrote is kept; try again when the line is back.'],
  changed: ['内容刚刚有变化', 'It changed meanwhile'],
  changed_hint: ['你打开之后，工单发生了这些变化：', 'Since you opened it, this happened:'],
  changed_now: ['现在状态：{}', 'It is now: {}'],
  changed_again: ['按最新状态再提交', 'Send again on the new state'],
  not_allowed: ['现在不能“{}”', '“{}” is not possible now'],
  allowed_now: ['现在可以：', 'You can now:'],
  allowed_none: ['现在没有可以做的操作', 'There is nothing you can do now'],
  refused: ['没有成功', 'That did not work'],
  optional: ['选填', 'optional'],
  required: ['请填写“{}”', 'Please fill in “{}”'],
  too_long: ['“{}”最多 {} 字', '“{}”: at most {} characters'],
  yes: ['是', 'Yes'],
  no: ['否', 'No'],
  reached: ['联系上了', 'Reached'],
  not_reached_because: ['没联系上，因为：', 'Not reached, because:'],
  not_reached: ['没联系上', 'Not reached'],
  all_reports: ['不指定', 'Not one in particular'],
  unit_search: ['输入单位名称', 'Type a unit’s name'],
  unit_none: ['没有找到单位', 'No unit found'],
  one_a_line: ['每行一个', 'one a line'],
  pick_first: ['请先选择', 'Choose one first'],
  answer_hint: ['写给诉求人看的话：做了什么、结果怎样', 'For the caller to read: what was done, and with what outcome'],
  remove: ['移除', 'Remove'],
};

const NAMES = {
  order: {
    triage: ['待研判', 'In triage'], dispatched: ['待接单', 'To be accepted'], handling: ['处置中', 'Being handled'],
    verifying: ['待核查', 'Being checked'], callback: ['待回访', 'To be called back'], closed: ['已结案', 'Closed'],
    parked: ['挂账', 'Parked'], rejected: ['不受理', 'Rejected'], transferred: ['已转出', 'Transferred'],
    merged: ['已并单', 'Merged'], void: ['已作废', 'Void'],
  },
  part: {
    offered: ['待接单', 'To accept'], accepted: ['处置中', 'In hand'], return_requested: ['退单审核', 'Return asked'],
    done: ['待确认', 'Done'], confirmed: ['已确认', 'Confirmed'], returned: ['已退单', 'Returned'], withdrawn: ['已收单', 'Withdrawn'],
  },
  role: { lead: ['主办', 'Lead'], assist: ['协办', 'Assist'] },
  urgency: { normal: ['一般', 'Normal'], urgent: ['紧急', 'Urgent'], critical: ['非常紧急', 'Critical'] },
  source: { hotline: ['12345', '12345'], police: ['110', '110'], patrol: ['巡查', 'Patrol'], one_stop: ['一网通办', 'One-stop service'], platform: ['外地转办', 'Another city'], sensor: ['物联感知', 'Sensor'], task: ['任务清单', 'Task list'] },
  type: {
    consultation: ['咨询', 'Question'], help: ['求助', 'Help'], complaint: ['投诉', 'Complaint'], informant: ['举报', 'Report'],
    suggestion: ['建议', 'Suggestion'], praise: ['表扬', 'Praise'], finding: ['发现', 'Finding'],
  },
  tier: { city: ['市级', 'City'], district: ['区级', 'District'], street: ['街镇', 'Street'], sub_area: ['片区', 'Area'], committee: ['居村', 'Committee'] },
  stage: {
    triage: ['研判', 'Triage'], dispatch: ['派单', 'Dispatch'], accept: ['接单', 'Accept'], contact: ['先行联系', 'Contact'],
    arrive: ['到场', 'Arrive'], handle: ['处置', 'Handle'], verify: ['核查', 'Check'], callback: ['回访', 'Call back'],
    sign: ['签收', 'Sign for'], decide: ['审批', 'Decide'], answer: ['答复', 'Answer'], commitment: ['承诺', 'Commitment'], total: ['总时限', 'Whole order'],
  },
  commitment: { open: ['待履行', 'To be kept'], answered: ['待认可', 'Answered'], kept: ['已履行', 'Kept'], withdrawn: ['已撤回', 'Withdrawn'] },
  clock: { running: ['计时中', 'running'], paused: ['暂停', 'paused'], met: ['已按时', 'in time'], missed: ['已超时', 'missed'], cancelled: ['已取消', 'cancelled'] },
  result: { solved: ['实际解决', 'Solved'], explained: ['解释说明', 'Explained'], not_possible: ['办不成', 'Could not be done'] },
  photo: { before: ['处理前', 'Before the work'], after: ['处理后', 'After the work'], evidence: ['证据（原图）', 'Evidence (kept as it is)'] },
  photos: { after: ['处理后照片', 'a photo after the work'], both: ['处理前和处理后照片', 'photos before and after the work'] },
  request: {
    return: ['退单', 'Return'], extension: ['延期', 'Extension'], deferral: ['缓办', 'Deferral'], parking: ['挂账', 'Parking'],
    class_correction: ['更正类别', 'Another class'], explanation: ['解释结案', 'Close without a solution'],
  },
  decision: { open: ['待审批', 'To be decided'], granted: ['已同意', 'Granted'], refused: ['未同意', 'Refused'], undecided: ['权属未定', 'Undecided'], lapsed: ['已失效', 'Lapsed'] },
  happened: {
    OrderOpened: ['立案派单', 'Opened'], ReportJoined: ['又一件诉求并入', 'Another report joined'], Urged: ['催办', 'Urged'],
    Supervised: ['督办', 'Supervised'], OrderClosed: ['结案', 'Closed'], ProgressNoted: ['情况记录', 'Note'],
    VerificationRecorded: ['核查', 'Checked'], LeadChanged: ['更换主办', 'Lead changed'], AssignmentOffered: ['派给单位', 'Offered to a unit'],
    SupervisionAnswered: ['答复督办', 'Supervision answered'], SupervisionAccepted: ['认可答复', 'Answer accepted'],
    SupervisionRefused: ['退回答复', 'Answer sent back'], SupervisionCleared: ['解除督办', 'Supervision cleared'],
    OrderLinked: ['归入专项', 'Linked to a special case'], OrderUnlinked: ['移出专项', 'Taken out of a special case'],
  },
};
export const kinds = NAMES;
export const own = PAGE;

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
  return t(ms < 0 ? 'over' : 'left', span(ms));
};
