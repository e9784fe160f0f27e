// Runs in the page of the site, beside its element: uploads generated files by the real engine and notes their ends.
// `poll` gives what has ended since it was asked last, and the names of those that have not.
() => {
  if (window.chaos) return;
  const BLOCK = 65536;
  const RESUMES = 12;
  const told = [];
  const live = new Map();
  const uploaders = new Map();
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  function fileOf({ name, seed, size, modified }) {
    const words = new Uint32Array(BLOCK / 4 - 1);
    let value = seed >>> 0 || 1;
    for (let n = 0; n < words.length; n++) {
      value ^= value << 13;
      value ^= value >>> 17;
      value ^= value << 5;
      words[n] = value;
    }
    const rest = new Blob([words]);
    const pieces = [];
    for (let n = 0; n * BLOCK < size; n++) pieces.push(new Uint32Array([n]), rest);
    const whole = new Blob(pieces);
    return new File([whole.slice(0, size)], name, { lastModified: modified, type: "application/x-chaos" });
  }

  function uploaderOf(destination) {
    if (!uploaders.has(destination))
      uploaders.set(destination, new ossUploads.OssUploader({ api: "/api/", destination, retry: { maxDelay: 3000 } }));
    return uploaders.get(destination);
  }

  function folderOf({ name }) {
    return name.replace(/-\d+$/, "");
  }

  function begin(spec, file) {
    const { destination, parallel, signing, integrity, part_size: partSize } = spec;
    const uploader = uploaderOf(destination);
    if (spec.how === "stream")
      return uploader.uploadStream(file.stream(), { filename: spec.name, type: file.type, parallel });
    const wish = partSize ? { partSize } : {};
    return uploader.upload(file, { parallel, signing, integrity, ...wish });
  }

  async function logIn() {
    const html = await (await fetch("/accounts/login/")).text();
    const token = /name="csrfmiddlewaretoken" value="([^"]+)"/.exec(html)?.[1];
    if (!token) return;
    const body = new URLSearchParams({ username: chaos.user, password: chaos.user, csrfmiddlewaretoken: token });
    await fetch("/accounts/login/", { method: "POST", body });
  }

  // As a patient user: presses Resume after each failure that may pass, and logs in again when that is asked for.
  async function follow(spec, upload, outcome) {
    live.set(spec.name, upload);
    for (let resumes = 0; ; resumes++) {
      try {
        const done = await upload.done;
        return tell(spec, outcome, "", done.id);
      } catch (error) {
        const { code = error.name, retryable } = error;
        // Nothing has arrived of it. Its upload expires.
        if (outcome === "kept" && code === "parts_missing") return tell(spec, "left", code, upload.id);
        if (upload.state === "aborted") return tell(spec, "aborted", error.reason ?? "", upload.id);
        const login = error instanceof ossUploads.LoginError;
        if (resumes >= RESUMES || !(login || retryable)) return tell(spec, "failed", code, upload.id, error);
        await sleep(1000);
        if (login) await logIn().catch(() => {});
        if (upload.state === "failed") upload.resume();
      }
    }
  }

  // A folder with its files. What has arrived before is skipped, and then nobody tells the id of its upload.
  async function followFolder(specs) {
    const folder = folderOf(specs[0]);
    const files = specs.map((spec) => ({ file: fileOf(spec), path: `${folder}/${spec.name}` }));
    const ids = new Map();
    live.set(folder, { state: "loading" });
    const upload = await begun(uploaderOf(specs[0].destination), folder, files);
    live.set(folder, upload);
    upload.addEventListener("upload", ({ upload: each }) => {
      each.done.then(({ id }) => ids.set(each.filename.split("/").at(-1), id), () => {});
    });
    for (let resumes = 0; !(await hasEnded(upload, resumes)); resumes++) {
      await sleep(1000);
      if (upload.error instanceof ossUploads.LoginError) await logIn().catch(() => {});
      upload.resume();
    }
    live.delete(folder);
    for (const [index, spec] of specs.entries()) {
      const error = upload.list.errors.get(index) ?? upload.error;
      const done = ["completed", "skipped"].includes(upload.list.state(index));
      tell(spec, done ? "completed" : "failed", done ? "" : (error?.code ?? error?.name), ids.get(spec.name), done ? null : error);
    }
  }

  // The code for folders comes from the site, which may be down.
  async function begun(uploader, folder, files) {
    for (;;) {
      try {
        return (await uploader.folders()).upload(folder, files);
      } catch {
        await sleep(1000);
      }
    }
  }

  // Waits until a folder's upload is over, or has failed. False: the user presses Resume.
  async function hasEnded(upload, resumes) {
    while (!["completed", "failed", "aborted"].includes(upload.state))
      await new Promise((resolve) => upload.addEventListener("statechange", resolve, { once: true }));
    const may = upload.error instanceof ossUploads.LoginError || upload.error?.retryable;
    return upload.state !== "failed" || resumes >= RESUMES || !may;
  }

  function tell({ name }, outcome, code, id, error) {
    live.delete(name);
    const why = error ? `${error.name} ${error.status} ${error.ossCode ?? ""}: ${error.message}` : "";
    told.push({ name, outcome, code, id: id ?? "", why });
  }

  window.chaos = {
    user: "",
    logIn,
    start(specs) {
      const inFolders = specs.filter(({ how }) => how === "folder");
      if (inFolders.length > 0) void followFolder(inFolders);
      for (const spec of specs) if (spec.how !== "folder") void follow(spec, begin(spec, fileOf(spec)), "completed");
    },
    // An interrupted stream is completed with what has arrived of it. One of which nothing is known is left.
    async keep(spec) {
      const list = await uploaderOf(spec.destination).unfinished();
      const found = list.find(({ filename, stream }) => stream && filename === spec.name);
      if (found) void follow(spec, uploaderOf(spec.destination).keep(found), "kept");
      else tell(spec, "left", "nothing to keep", "");
    },
    abort(name) {
      live.get(name)?.abort().catch(() => {});
    },
    poll() {
      return { told: told.splice(0), live: [...live.keys()] };
    },
    // What those that have not ended wait for.
    waiting() {
      return [...live].map(([name, { state, notice, error }]) => `${name}: ${state} ${notice?.name ?? ""} ${error?.code ?? ""}`);
    },
  };
}
