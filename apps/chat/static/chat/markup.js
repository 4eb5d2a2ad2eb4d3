// The text of a message as nodes: links, and code in backticks. All text goes in as text, never as HTML.

const FENCED = /```(?:[\w+-]*\n)?([\s\S]+?)\n?```/u;
const INLINE = /`([^`\n]+)`/u;
// The host in ASCII only, so that nobody is led to one that merely looks like another; Japanese that follows it
// without a space is text. Control characters and those that turn the direction end an address.
const ADDRESS = /\bhttps?:\/\/[a-z0-9.-]+(?::\d+)?(?:[/?#][^\s<>"'`\p{C}\u3000-\u303f\uff00-\uff65]*)?/giu;
const TRAILING = /[.,;:!?*_~]+$/u;

// Returns a fragment.
export function render(text) {
  const fragment = document.createDocumentFragment();
  split(text, FENCED, (code) => fragment.append(makeCode(code, "block")), (between) => {
    split(between, INLINE, (code) => fragment.append(makeCode(code)), (plain) => appendLinked(fragment, plain));
  });
  return fragment;
}

function split(text, pattern, found, between) {
  for (let match; (match = pattern.exec(text)); text = text.slice(match.index + match[0].length)) {
    if (match.index) between(text.slice(0, match.index));
    found(match[1]);
  }
  if (text) between(text);
}

function makeCode(text, className = "") {
  const code = document.createElement("code");
  code.className = className;
  code.textContent = text;
  return code;
}

function appendLinked(fragment, text) {
  let end = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = withoutTrailing(found);
    if (!URL.canParse(address)) continue;
    fragment.append(text.slice(end, index), makeLink(address));
    end = index + address.length;
  }
  fragment.append(text.slice(end));
}

// The full stop of the sentence, and a bracket that was opened before the address, are no part of it.
function withoutTrailing(address) {
  for (;;) {
    const shorter = address.replace(TRAILING, "");
    const isOpened = shorter.split("(").length >= shorter.split(")").length;
    address = shorter.endsWith(")") && !isOpened ? shorter.slice(0, -1) : shorter;
    if (address === shorter) return address;
  }
}

function makeLink(address) {
  const link = document.createElement("a");
  link.href = address;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow ugc";
  link.textContent = address;
  return link;
}
