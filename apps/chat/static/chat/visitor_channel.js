// The tabs of one browser send each other the visitor's name in their pages. path: of any WebSocket of this site; another
// installation may be below another path. Returns undefined in a browser without BroadcastChannel.
export function openVisitorChannel(path) {
  const [prefix] = path.split("/ws/");
  return globalThis.BroadcastChannel && new BroadcastChannel(`chat.visitor${prefix}`);
}
