// Loads a page again whose scripts did not all come, since it looks whole and does nothing: the network changed under
// it, or the release that it is of was just replaced by another.
//
// No module, whose imports could fail like any other's. Of what is deferred it runs first, and "load" waits for the rest.
{
  const KEY = "load_again.times";
  const MOST = 3;
  const { origin } = new URL(document.currentScript.src);
  let isWhole = true;

  // Such an event does not bubble. Browsers' extensions put scripts of their own into the page, which the policy refuses.
  const noticed = ({ target }) => {
    if (target instanceof HTMLScriptElement && target.src.startsWith(`${origin}/`)) isWhole = false;
  };
  addEventListener("error", noticed, { capture: true });

  // A browser that keeps nothing throws at the mere look. Without a count the page would be loaded again for ever.
  let storage = null;
  try {
    storage = sessionStorage;
  } catch {}

  addEventListener("load", () => {
    const times = Number(storage?.getItem(KEY));
    if (isWhole) {
      storage?.removeItem(KEY);
    } else if (storage && times < MOST) {
      storage.setItem(KEY, times + 1);
      setTimeout(() => location.reload(), 1000 * 2 ** times);
    }
  });
}
