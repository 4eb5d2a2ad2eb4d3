// How an author is shown: a colour, and one or two letters in a disc.

// A guest's name is guest-k7m2xq, or a chosen one with the same tag: 花子#k7m2xq (accounts/guests.py).
const GUEST = /^(?:guest-|.*#)(?=[a-z0-9]{6}$)/su;
const graphemes = new Intl.Segmenter();

// The same for all names of one guest.
export function identity(name) {
  return name.replace(GUEST, "#");
}

// Users cannot have such a name.
export function isGuest(name) {
  return identity(name) !== name;
}

// For a sentence: isolated, so that a name cannot turn its direction.
export function quoted(name) {
  return `\u2068${name}\u2069`;
}

export function showAuthor(item, name) {
  item.style.setProperty("--hue", hue(identity(name)));
  item.querySelector(".avatar").textContent = initials(name);
  showName(item.querySelector(".name"), name);
}

// The tag is less prominent, but part of the text.
export function showName(element, name) {
  const tagAt = name.lastIndexOf("#");
  element.textContent = tagAt < 0 ? name : name.slice(0, tagAt);
  if (tagAt < 0) return;
  const tag = document.createElement("span");
  tag.className = "tag";
  tag.textContent = name.slice(tagAt);
  element.append(tag);
}

export function showAvatar(element, name) {
  element.style.setProperty("--hue", hue(identity(name)));
  element.textContent = initials(name);
}

function initials(name) {
  const words = name.replace(/#.*$/su, "").split(/[\s._@+-]+/u).filter(Boolean);
  return words.slice(0, 2).map((word) => first(word)).join("").toLocaleUpperCase();
}

// One letter as a reader counts, without the combining marks that could be stacked on it.
function first(word) {
  const [{ segment }] = graphemes.segment(word);
  return segment.length > 8 ? String.fromCodePoint(segment.codePointAt(0)) : segment;
}

// FNV-1a.
function hue(text) {
  let hash = 0x811c9dc5;
  for (const unit of new TextEncoder().encode(text)) hash = Math.imul(hash ^ unit, 0x01000193) >>> 0;
  return hash % 360;
}
