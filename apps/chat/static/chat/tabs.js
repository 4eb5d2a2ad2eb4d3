// What the tabs of one browser tell each other: for whom their pages were made.

// path: of any WebSocket of ours. Another installation may be below another path of the host, with cookies of its own.
// Returns undefined in a browser that has no such channels.
export function openChannel(path) {
  const [prefix] = path.split("/ws/");
  return globalThis.BroadcastChannel && new BroadcastChannel(`chat.visitor${prefix}`);
}
