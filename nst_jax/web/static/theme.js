'use strict';
// Runs before the page is drawn, so that it never flashes in the other colours.
const theme = {
  get dark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  },
  set(value) {
    document.documentElement.dataset.theme = value;
    try { localStorage.setItem('theme', value); } catch { /* It holds for this page. */ }
  },
};
try {
  const kept = localStorage.getItem('theme');
  if (kept === 'dark' || kept === 'light') document.documentElement.dataset.theme = kept;
} catch { /* Storage is off. */ }
document.addEventListener('DOMContentLoaded', () => {
  const button = document.getElementById('theme');
  const tell = () => button.setAttribute('aria-pressed', theme.dark);
  button.addEventListener('click', () => {
    theme.set(theme.dark ? 'light' : 'dark');
    tell();
  });
  window.addEventListener('storage', event => {
    if (event.key !== 'theme' || !event.newValue) return;
    document.documentElement.dataset.theme = event.newValue === 'dark' ? 'dark' : 'light';
    tell();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', tell);
  tell();
});
