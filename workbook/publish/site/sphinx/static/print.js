// Paper is bright: the dark theme would print light text on it.
const html = document.documentElement;
let shown;
addEventListener("beforeprint", () => { shown = html.dataset.theme; html.dataset.theme = "light"; });
addEventListener("afterprint", () => { html.dataset.theme = shown; });
