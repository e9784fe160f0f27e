// Asks for one batch after another until all are done. Its one rule: the server counts and finds the words, the page shows.

const page = document.querySelector(".up-aborting");
const status = page.querySelector(".up-status");
const bar = page.querySelector("progress");
const token = page.querySelector("[name=csrfmiddlewaretoken]").value;
const PAUSE = 3000;

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function next() {
  const headers = { Accept: "application/json", "X-CSRFToken": token };
  const answer = await fetch(page.dataset.next, { method: "POST", headers });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

function show(job) {
  bar.max = job.total || 1;
  bar.value = job.done;
  status.textContent = job.words;
  const list = page.querySelector(".up-refused");
  list.replaceChildren(
    ...job.refused.map(([name, why]) => {
      const item = document.createElement("li");
      const strong = document.createElement("strong");
      strong.textContent = name;
      item.append(strong, ` ${why}`);
      return item;
    }),
  );
  if (job.over) page.querySelector(".up-note").textContent = page.dataset.overWords;
}

let over = "over" in page.dataset;
while (!over) {
  try {
    const job = await next();
    show(job);
    over = job.over;
  } catch {
    status.textContent = page.dataset.trouble;
    await wait(PAUSE);
  }
}
page.dataset.over = "";
