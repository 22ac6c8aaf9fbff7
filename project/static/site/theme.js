// Light or dark: what the visitor chose here, or else what the system says. Runs before the first paint.
(() => {
  const chosen = localStorage.getItem("theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
  addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    const systemIsDark = matchMedia("(prefers-color-scheme: dark)").matches;
    const isDark = (document.documentElement.dataset.theme ?? (systemIsDark ? "dark" : "light")) === "dark";
    const next = isDark ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    localStorage.setItem("theme", next);
  });
})();
