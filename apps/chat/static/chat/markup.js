// The text of a message as nodes: links, and code in backticks. Text becomes text nodes, never HTML.

const FENCED = /```(?:[\w+-]*\n)?([\s\S]+?)\n?```/gu;
const INLINE = /`([^`\n]+)`/gu;
// The host is ASCII only, so that no link leads to a lookalike; Japanese that follows it without a space is text.
// Control characters and bidirectional controls end an address.
const ADDRESS = /\bhttps?:\/\/[a-z0-9.-]+(?::\d+)?(?:[/?#][^\s<>"'`\p{C}\u3000-\u303f\uff00-\uff65]*)?/giu;
const TRAILING = ".,;:!?*_~";

// Returns a fragment, in time proportional to the length of any text: strangers choose it.
export function render(text) {
  const fragment = document.createDocumentFragment();
  split(text, FENCED, (code) => fragment.append(makeCode(code, "block")), (between) => {
    split(between, INLINE, (code) => fragment.append(makeCode(code)), (plain) => appendLinked(fragment, plain));
  });
  return fragment;
}

function split(text, pattern, found, between) {
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) between(text.slice(end, match.index));
    found(match[1]);
    end = match.index + match[0].length;
  }
  if (end < text.length) between(text.slice(end));
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

// The full stop of the sentence and a bracket that was opened before the address are not part of the address.
function withoutTrailing(address) {
  let end = address.length;
  let unopened = address.split(")").length - address.split("(").length;
  for (; end; end -= 1) {
    const last = address.at(end - 1);
    if (last === ")" && unopened > 0) unopened -= 1;
    else if (!TRAILING.includes(last)) break;
  }
  return address.slice(0, end);
}

function makeLink(address) {
  const link = document.createElement("a");
  link.href = address;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow ugc";
  link.textContent = address;
  return link;
}
