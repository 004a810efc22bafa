// Everything the supervision page says, in Chinese and English. Numbers bring their own names from the service.

import { COMMON, COMMON_NAMES, namesOf, wordsOf } from './language.js';

export * from './language.js';

const PAGE = {
  ...COMMON,
  app: ['督办 · 派单', 'Supervision · Paidan'],
  keep: ['在这台设备上保持登录', 'Keep me signed in on this device'],
  keep_hint: ['公用电脑请不要勾选', 'Leave this off on a shared machine'],
  not_for_you: ['这一页给督办、派遣、审计和运维人员看', 'This page is for supervisors, dispatchers, auditors and operators'],
  as_of: ['数据截至 {}', 'As of {}'],
  fresh: ['每 15 秒自动更新', 'Updates every 15 seconds'],
  breaches: ['现在超时', 'Late now'],
  breaches_hint: ['未结工单中已超过的时限', 'deadlines missed, of orders that are still open'],
  due: ['将到期', 'Falling due'],
  due_2h: ['两小时内到期', 'Due within 2 hours'],
  due_24h: ['一天内到期', 'Due within a day'],
  ladder: ['督办阶梯', 'The ladder'],
  ladder_hint: ['已提起、尚未解除', 'raised and not yet cleared'],
  standing: ['催办督办', 'Urged, supervised'],
  oldest: ['最早 {}', 'since {}'],
  map: ['各街镇', 'By street-town'],
  map_about: ['地图：{} 个街镇有超时，共 {} 项；下表为同样的数字', 'Map: {} street-towns have breaches, {} in all; the table below says the same'],
  place: ['街镇', 'Place'],
  no_place: ['无地点', 'No place'],
  league: ['本月排名', 'League, this month'],
  rank: ['名次', 'Rank'],
  unit: ['单位', 'Unit'],
  rate: ['比率', 'Rate'],
  of: ['分子/分母', 'Parts'],
  no_rank: ['不足 {} 件的不排名', 'Units with fewer than {} have no rank'],
  month: ['本月', 'This month'],
  no_numbers: ['本月还没有数字', 'No numbers this month yet'],
  where: ['范围', 'Where'],
  whole_city: ['全市', 'The whole city'],
  stage: ['时限', 'Deadline'],
  all_stages: ['全部时限', 'All deadlines'],
  none_late: ['没有超时', 'Nothing is late'],
  none_due: ['没有将到期的时限', 'Nothing falls due'],
  none_raised: ['没有在催办、督办中的', 'Nothing is urged or supervised'],
  none_ranked: ['本月还没有可排名的', 'Nothing to rank this month yet'],
  cut: ['只列出前 {} 项', 'The first {} are listed'],
  open_order: ['打开工单', 'Open the order'],
  clocks: ['全部时限', 'All deadlines'],
  used: ['谁用了多少时间', 'Who used how much of it'],
  nobody: ['系统', 'nobody'],
  arrived: ['新超时 {} 项', '{} more became late'],
  policy: ['依据 {}', 'by {}'],
};

const NAMES = {
  ...COMMON_NAMES,
  rung: { urge: ['催办', 'Urged'], supervise: ['督办', 'Supervised'] },
  kind: { street: ['街镇', 'Street offices'], committee: ['居村', 'Committees'], department: ['部门', 'Departments'] },
  league: {
    answer_in_time: ['按时办结率', 'Answered in time'], accept_in_time: ['接单及时率', 'Accepted in time'],
    contact_in_time: ['先行联系率', 'Contacted in time'], handle_in_time: ['按期处置率', 'Handled in time'],
    solved: ['实际解决率', 'Really solved'], satisfied: ['满意率', 'Satisfied'],
  },
};
export const kinds = NAMES;
export const own = PAGE;
export const t = wordsOf(PAGE);
export const name = namesOf(NAMES);
