/* Light or dark, kept in a cookie so that the server can answer in the right one. Loaded in the head. */
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

  function label(button) {
    button.textContent = isDark() ? "Use light colours" : "Use dark colours";
    button.hidden = false;
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-theme-toggle]").forEach((button) => {
      label(button);
      button.addEventListener("click", () => {
        root.dataset.theme = isDark() ? "light" : "dark";
        const secure = location.protocol === "https:" ? "; Secure" : "";
        document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; SameSite=Lax${secure}`;
        document.querySelectorAll("[data-theme-toggle]").forEach(label);
      });
    });
  });
})();
