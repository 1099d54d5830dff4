/* Small comforts; every page works without them. */
(() => {
  /* Menus and the drawer close on Escape, on a click elsewhere, and when the focus leaves. */
  const open = () => document.querySelectorAll("details[data-menu][open]");
  const close = (menu) => { menu.open = false; };

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    open().forEach((menu) => {
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      close(menu);
    });
  });
  document.addEventListener("click", (event) => {
    open().forEach((menu) => { if (!menu.contains(event.target)) close(menu); });
  });
  document.addEventListener("focusout", (event) => {
    const menu = event.target.closest("details[data-menu][open]");
    if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) close(menu);
  });

  /* A fragment that cannot be had (logged out, server error): show the whole answer instead. */
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.requestConfig.verb === "get") location.assign(event.detail.pathInfo.finalRequestPath);
  });

  /* Buttons that cannot be undone ask first. */
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  });
})();
