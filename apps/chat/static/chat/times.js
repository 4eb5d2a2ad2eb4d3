// Times in the viewer's zone, in the page's language and the format of the viewer's country.

const { lang } = document.documentElement;
const locales = [...navigator.languages.filter((tag) => tag.startsWith(lang)), lang];
const clock = new Intl.DateTimeFormat(locales, { timeStyle: "short" });
const full = new Intl.DateTimeFormat(locales, { dateStyle: "full", timeStyle: "short" });
const dayOfYear = new Intl.DateTimeFormat(locales, { weekday: "long", month: "long", day: "numeric" });
const dayOfList = new Intl.DateTimeFormat(locales, { weekday: "short", month: "short", day: "numeric" });
const dayOfAnyYear = new Intl.DateTimeFormat(locales, { dateStyle: "full" });
const relative = new Intl.RelativeTimeFormat(locales, { numeric: "auto" });

export function isSameDay(one, other) {
  return one.toDateString() === other.toDateString();
}

// Shows the time of day; the tooltip is the full date.
export function showTime(element, date) {
  element.dateTime = date.toISOString();
  element.textContent = clock.format(date);
  element.title = full.format(date);
}

// Shows today, yesterday, or the date; `dayOfThisYear` formats a date of this year.
export function showDay(element, date, dayOfThisYear = dayOfYear) {
  const today = new Date();
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  element.dateTime = date.toISOString();
  element.title = dayOfAnyYear.format(date);
  if (isSameDay(date, today)) element.textContent = relative.format(0, "day");
  else if (isSameDay(date, yesterday)) element.textContent = relative.format(-1, "day");
  else element.textContent = (date.getFullYear() === today.getFullYear() ? dayOfThisYear : dayOfAnyYear).format(date);
}

// Shows the time of a date of today, the day of any other.
export function showRecent(element) {
  const date = new Date(element.dateTime);
  if (isSameDay(date, new Date())) showTime(element, date);
  else showDay(element, date, dayOfList);
}
