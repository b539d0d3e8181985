// The address tells which tab is open; the browser's tab keeps what the settings of Train show. So
// reloading, going back and another language lose nothing.
const FORM_KEY = "iris_mlp_form";
const SHARE = "share";

/** One form for the page itself, and one for each link that was opened. */
function formKey() {
  return `${FORM_KEY}:${new URLSearchParams(location.search).get(SHARE) ?? ""}`;
}

function addressOf(change) {
  const address = new URL(location);
  change(address);
  return address;
}

const listTabs = () => [...document.querySelectorAll("[role=tab][data-tab-id]")];

/** Open the tab that the address names, without one the first. */
function openTab() {
  const tabs = listTabs();
  const wanted = tabs.find(({ dataset }) => `#${dataset.tabId}` === location.hash) ?? tabs[0];
  if (wanted?.getAttribute("aria-selected") === "false") wanted.click();
}

window.irisForm = () => {
  try { return JSON.parse(sessionStorage.getItem(formKey())); } catch { return null; }
};
document.addEventListener("iris:form", ({ detail }) => sessionStorage.setItem(formKey(), JSON.stringify(detail)));

// The visitor's own run stands in the place of the link's, also after reloading.
document.addEventListener("iris:own-run", () => {
  const form = sessionStorage.getItem(formKey());
  history.replaceState(null, "", addressOf(({ searchParams }) => searchParams.delete(SHARE)));
  if (form) sessionStorage.setItem(formKey(), form);
});

document.addEventListener("click", ({ target }) => {
  const tab = target.closest("[role=tab][data-tab-id]");
  const link = target.closest("a.language");
  if (link) link.href = addressOf(({ searchParams }) => searchParams.set("lang", link.hreflang));
  if (!tab) return;
  const address = addressOf((address) => { address.hash = tab.dataset.tabId; });
  const isFirst = !location.hash && tab === listTabs()[0];
  if (!isFirst && address.hash !== location.hash) history.pushState(null, "", address);
}, true);
addEventListener("popstate", openTab);

/**
 * Open the tab of the address once Gradio has built the page; say so of Inside, which is filled at
 * opening, once Gradio listens.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ trigger }) {
  document.addEventListener("iris:ready", () => { if (location.hash === "#inside") trigger("reopen"); });
  const open = () => (listTabs().length ? openTab() : requestAnimationFrame(open));
  if (location.hash) open();
}
