// Reloads a page of which a script did not load, because the network changed or the release was replaced meanwhile: the
// page looks complete and does nothing. This is no module, since imports may fail too; it runs before the other scripts.
{
  const KEY = "reload_incomplete_page.attempts";
  const MAX_ATTEMPTS = 3;
  const { origin } = new URL(document.currentScript.src);
  let isComplete = true;

  // The event does not bubble. Scripts of browser extensions do not count; the policy blocks them.
  const onError = ({ target }) => {
    if (target instanceof HTMLScriptElement && target.src.startsWith(`${origin}/`)) isComplete = false;
  };
  addEventListener("error", onError, { capture: true });

  // A browser that blocks storage throws on the mere access. Without a count the page would reload for ever.
  let storage = null;
  try {
    storage = sessionStorage;
  } catch {}

  addEventListener("load", () => {
    const attempts = Number(storage?.getItem(KEY));
    if (isComplete) {
      storage?.removeItem(KEY);
    } else if (storage && attempts < MAX_ATTEMPTS) {
      storage.setItem(KEY, attempts + 1);
      setTimeout(() => location.reload(), 1000 * 2 ** attempts);
    }
  });
}
