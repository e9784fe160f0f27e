// Requests one batch after another until all uploads are done. The server counts and words the progress.

const page = document.querySelector(".up-bulk-abort");
const status = page.querySelector(".up-status");
const bar = page.querySelector("progress");
const token = page.querySelector("[name=csrfmiddlewaretoken]").value;
const RETRY_MILLISECONDS = 3000;

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function next() {
  const headers = { Accept: "application/json", "X-CSRFToken": token };
  const response = await fetch(page.dataset.next, { method: "POST", headers });
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
}

function show(job) {
  bar.max = job.total || 1;
  bar.value = job.done;
  status.textContent = job.words;
  const list = page.querySelector(".up-refused");
  list.replaceChildren(
    ...job.refused.map(([name, reason]) => {
      const item = document.createElement("li");
      const strong = document.createElement("strong");
      strong.textContent = name;
      item.append(strong, ` ${reason}`);
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
    status.textContent = page.dataset.errorWords;
    await wait(RETRY_MILLISECONDS);
  }
}
page.dataset.over = "";
