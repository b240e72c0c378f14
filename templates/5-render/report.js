"use strict";
// The page works without this. It keeps an open card in view, lets a tap open and Escape close it,
// and marks in the contents what is being read.
{
  const cites = [...document.querySelectorAll(".cite")];
  const shut = (cite) => cite.classList.remove("pinned");

  const place = (cite) => {
    const card = cite.querySelector(".card");
    card.classList.remove("above");
    const below = innerHeight - cite.getBoundingClientRect().bottom;
    const above = cite.getBoundingClientRect().top;
    if (card.offsetHeight + 8 > below && above > below) card.classList.add("above");
  };

  for (const cite of cites) {
    const mark = cite.querySelector(".mark");
    const revive = () => cite.classList.remove("dismissed");
    cite.addEventListener("pointerenter", () => place(cite));
    cite.addEventListener("focusin", () => place(cite));
    cite.addEventListener("pointerleave", revive);
    cite.addEventListener("focusout", revive);
    mark.addEventListener("click", (event) => {
      event.preventDefault();
      const open = cite.classList.contains("pinned");
      cites.forEach(shut);
      revive();
      cite.classList.toggle("pinned", !open);
      place(cite);
    });
    cite.querySelector(".close").addEventListener("click", (event) => {
      event.preventDefault();
      shut(cite);
      cite.classList.add("dismissed");
    });
  }

  addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    for (const cite of cites) {
      shut(cite);
      if (cite.matches(":hover, :focus-within")) cite.classList.add("dismissed");
    }
  });
  addEventListener("click", ({ target }) => {
    cites.filter((cite) => !cite.contains(target)).forEach(shut);
  });

  const entries = new Map();
  for (const link of document.querySelectorAll("nav a")) {
    entries.set(document.getElementById(link.hash.slice(1)).closest("section"), link);
  }
  const watch = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) continue;
      entries.forEach((link) => link.removeAttribute("aria-current"));
      entries.get(target).setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-20% 0px -75% 0px" });
  entries.forEach((_, section) => watch.observe(section));
}
