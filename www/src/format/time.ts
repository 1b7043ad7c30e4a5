// Times and spans for people: in the reader's zone and language of numbers, in plain English words.
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

// 0.4 s, 12 s, 3 min 05 s, 2 h 10 min, 3 d 4 h.
export function span(seconds: number): string {
  const whole = Math.max(0, seconds);
  if (whole < 9.95) return `${whole.toFixed(1)} s`;
  if (whole < 59.5) return `${Math.round(whole)} s`;
  const round = Math.round(whole);
  if (round < HOUR) return two(Math.floor(round / MINUTE), "min", round % MINUTE, "s");
  const minutes = Math.round(round / MINUTE);
  if (minutes < 1440) return two(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(round / HOUR);
  return two(Math.floor(hours / 24), "d", hours % 24, "h");
}

function two(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
}

// just now, 5 min ago, 3 h ago, yesterday's as 26 h, then days, then the date.
export function ago(at: number, now: number): string {
  const past = now - at;
  if (past < -5) return `in ${coarse(-past)}`;
  if (past < 10) return "just now";
  return past < 30 * DAY ? `${coarse(past)} ago` : day(at);
}

function coarse(seconds: number): string {
  if (seconds < MINUTE) return `${Math.round(seconds)} s`;
  if (seconds < HOUR) return `${Math.round(seconds / MINUTE)} min`;
  if (seconds < 2 * DAY) return `${Math.round(seconds / HOUR)} h`;
  return `${Math.round(seconds / DAY)} days`;
}

export function day(at: number): string {
  const date = new Date(at * 1000);
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

export function absolute(at: number): string {
  const date = new Date(at * 1000);
  const clock = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  return `${day(at)} ${clock} ${zone(date)}`;
}

function zone(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const sign = minutes < 0 ? "-" : "+";
  const size = Math.abs(minutes);
  return `UTC${sign}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}
