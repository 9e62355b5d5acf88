/* Words, language and theme, on both pages alike. */

import { locale, post, region, say } from "/static/api.js";

export function fillWords() {
  document.documentElement.lang = locale();
  for (const place of document.querySelectorAll("[data-word]")) place.textContent = say(place.dataset.word);
  for (const place of document.querySelectorAll("[data-title]")) place.title = say(place.dataset.title);
  for (const place of document.querySelectorAll("[data-label]")) place.setAttribute("aria-label", say(place.dataset.label));
  for (const place of document.querySelectorAll("[data-hint]")) place.placeholder = say(place.dataset.hint);
  document.getElementById("language").textContent = locale() === "nl" ? "EN" : "NL";
}

export function dress(changed) {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = localStorage.getItem("theme") || (dark ? "dark" : "light");
  document.getElementById("theme").onclick = () => {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    localStorage.setItem("theme", next);
  };
  document.getElementById("language").onclick = async () => {
    localStorage.setItem("locale", locale() === "nl" ? "en" : "nl");
    await post("/api/language", { locale: locale() });
    changed();
  };
}

export function euro(minor) {
  const whole = minor % 100 === 0;
  const digits = { minimumFractionDigits: whole ? 0 : 2, maximumFractionDigits: whole ? 0 : 2 };
  return `€\u00a0${(minor / 100).toLocaleString(region(), digits)}`;
}
