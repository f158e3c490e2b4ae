"use strict";
// Nothing here is needed: it copies, searches as one types, keeps presets and boxes in step, and loads new requests.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const shown = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(shown.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(shown);
  }
});

const search = document.querySelector("[data-roles]");
search?.addEventListener("input", () => {
  const wanted = search.value.trim().toLowerCase();
  for (const category of document.querySelectorAll(".category")) {
    const roles = [...category.querySelectorAll(".role")];
    for (const role of roles) role.hidden = !role.textContent.toLowerCase().includes(wanted);
    if (wanted) category.open = roles.some((role) => !role.hidden);
  }
});

document.addEventListener("change", ({ target }) => {
  const custom = (scope) => {
    for (const each of scope.querySelectorAll("[data-preset]")) each.checked = each.value === "Custom";
  };
  const category = target.closest(".category");
  if (target.matches("[data-preset]") && target.value !== "Custom") {
    for (const box of (category ?? target.form).querySelectorAll("[name=role]")) {
      box.checked = box.dataset.in.split("|").includes(target.value);
    }
    if (!category) {
      for (const each of target.form.querySelectorAll(".category")) custom(each);
    }
  } else if (target.name === "role") custom(category);
  if (category) {
    for (const each of target.form.querySelectorAll("[name=preset]")) each.checked = each.value === "Custom";
  }
});

const rows = document.getElementById("requests");
if (rows) {
  setInterval(async () => {
    if (document.hidden) return;
    const newest = rows.querySelector("[data-number]")?.dataset.number ?? 0;
    const answer = await fetch(`/ca/requests?rows&after=${newest}`).catch(() => null);
    if (!answer?.ok) return;
    rows.insertAdjacentHTML("afterbegin", await answer.text());
    while (rows.rows.length > Number(rows.dataset.most)) rows.lastElementChild.remove();
    document.getElementById("total").textContent = answer.headers.get("X-Total") ?? "";
  }, 1000);
}
