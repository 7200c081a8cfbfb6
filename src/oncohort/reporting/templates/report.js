"use strict";
(() => {
  const table = document.querySelector("[data-cases]");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const texts = rows.map((row) => Array.from(row.children).slice(0, 2).map((cell) => cell.dataset.value === undefined ? cell.textContent : "").join(" ").toLowerCase());
  const tools = document.querySelector("[data-tools]");
  const filter = document.querySelector("[data-filter]");
  const count = document.querySelector("[data-count]");
  tools.hidden = false;

  const show = () => {
    const wanted = filter.value.trim().toLowerCase();
    let shown = 0;
    rows.forEach((row, index) => {
      row.hidden = !texts[index].includes(wanted);
      if (!row.hidden) shown += 1;
    });
    count.textContent = shown + " of " + rows.length + (rows.length === 1 ? " case" : " cases");
  };
  filter.addEventListener("input", show);
  show();

  document.querySelectorAll("input[name=metric]").forEach((choice) => {
    const choose = () => { if (choice.checked) table.dataset.show = choice.value; };
    choice.addEventListener("change", choose);
    choose();
  });

  const names = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const key = (row, column, kind) => {
    const cell = row.children[column];
    if (kind === "text") return cell.textContent.trim();
    return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
  };
  const compare = (first, second, kind, sign) => {
    if (first === null || second === null) return (first === null) - (second === null);
    return sign * (kind === "text" ? names.compare(first, second) : first - second);
  };
  const heads = Array.from(table.tHead.rows[table.tHead.rows.length - 1].cells);
  heads.forEach((head, column) => {
    const kind = head.dataset.sort;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
      const keyed = rows.map((row) => [key(row, column, kind), row]);
      keyed.sort((first, second) => compare(first[0], second[0], kind, sign));
      body.append(...keyed.map((pair) => pair[1]));
    });
  });
})();
