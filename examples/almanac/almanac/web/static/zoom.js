// The calendar behind the picker, without the page: grids of days, months, years and decades.
// A day is {year, month (1-12), day}; the calendar runs from year 1 to year 9999.

export const LEVELS = ["days", "months", "years", "decades"];
const CELL_MONTHS = [0, 1, 12, 120];
const PERIOD_MONTHS = [1, 12, 120, 1200];
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August",
  "September", "October", "November", "December"];
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const pad = (number, width) => String(number).padStart(width, "0");

// Years below 100 would be taken for 19xx by Date.UTC.
function utc(year, month, day) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date;
}

const fromUtc = (date) => (
  { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() });
const lastOf = (year, month) => utc(year, month + 1, 0).getUTCDate();

export const iso = ({ year, month, day }) => `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;

export function parse(text) {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text.trim());
  if (!found) return null;
  const [year, month, day] = found.slice(1).map(Number);
  const good = year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= lastOf(year, month);
  return good ? { year, month, day } : null;
}

export function today() {
  const now = new Date();
  return { year: now.getFullYear(), month: now.getMonth() + 1, day: now.getDate() };
}

function addMonths({ year, month, day }, months) {
  const index = clamp(year * 12 + month - 1 + months, 12, 9999 * 12 + 11);
  const at = { year: Math.floor(index / 12), month: (index % 12) + 1 };
  return { ...at, day: Math.min(day, lastOf(at.year, at.month)) };
}

function addDays(day, days) {
  const there = fromUtc(utc(day.year, day.month, day.day + days));
  if (there.year < 1) return { year: 1, month: 1, day: 1 };
  return there.year > 9999 ? { year: 9999, month: 12, day: 31 } : there;
}

export const move = (level, day, cells) => (
  level === 0 ? addDays(day, cells) : addMonths(day, cells * CELL_MONTHS[level]));
export const step = (level, day, periods) => addMonths(day, periods * PERIOD_MONTHS[level]);

// The first day of the cell that holds `day`.
export function startOf(level, day) {
  if (level === 0) return day;
  if (level === 1) return { ...day, day: 1 };
  const years = CELL_MONTHS[level] / 12;
  return { year: Math.max(Math.floor(day.year / years) * years, 1), month: 1, day: 1 };
}

// The first day of the period that the grid around `day` shows.
function period(level, day) {
  if (level === 0) return { ...day, day: 1 };
  const years = PERIOD_MONTHS[level] / 12;
  return { year: Math.max(Math.floor(day.year / years) * years, 1), month: 1, day: 1 };
}

export const canStep = (level, day, periods) => (
  iso(period(level, step(level, day, periods))) !== iso(period(level, day)));

export function title(level, day) {
  if (level === 0) return `${MONTHS[day.month - 1]} ${day.year}`;
  if (level === 1) return String(day.year);
  const years = PERIOD_MONTHS[level] / 12;
  const first = Math.floor(day.year / years) * years;
  return `${Math.max(first, 1)} to ${first + years - 1}`;
}

export function long(day) {
  const weekday = WEEKDAYS[utc(day.year, day.month, day.day).getUTCDay()];
  return `${weekday} ${day.day} ${MONTHS[day.month - 1]} ${day.year}`;
}

function days(day) {
  const first = utc(day.year, day.month, 1);
  const before = (first.getUTCDay() + 6) % 7;
  return Array.from({ length: 42 }, (_, at) => {
    const start = fromUtc(utc(day.year, day.month, 1 - before + at));
    if (start.year < 1 || start.year > 9999) return null;
    return { start, label: String(start.day), name: long(start), inside: start.month === day.month };
  });
}

function months(day) {
  return MONTHS.map((name, at) => ({
    start: { year: day.year, month: at + 1, day: 1 },
    label: name.slice(0, 3), name: `${name} ${day.year}`, inside: true,
  }));
}

function years(day) {
  const decade = Math.floor(day.year / 10) * 10;
  return Array.from({ length: 12 }, (_, at) => {
    const year = decade - 1 + at;
    if (year < 1 || year > 9999) return null;
    return { start: { year, month: 1, day: 1 }, label: String(year), name: String(year),
      inside: at > 0 && at < 11 };
  });
}

function decades(day) {
  const century = Math.floor(day.year / 100) * 100;
  return Array.from({ length: 12 }, (_, at) => {
    const first = century - 10 + at * 10;
    if (first < 0 || first > 9999) return null;
    const year = Math.max(first, 1);
    return { start: { year, month: 1, day: 1 }, label: `${first}s`,
      name: `${year} to ${first + 9}`, inside: at > 0 && at < 11 };
  });
}

export function grid(level, day) {
  const cells = [days, months, years, decades][level](day);
  const width = level === 0 ? 7 : 4;
  return Array.from({ length: cells.length / width }, (_, at) => cells.slice(at * width, (at + 1) * width));
}
