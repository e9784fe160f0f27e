"""What a browser gives to an uploader, read in the browser itself. The table is in docs/browsers.md."""

FEATURES = {
    "One click resumes a chosen file after a reload": "() => 'showOpenFilePicker' in window",
    "One click resumes a dropped file after a reload": """() =>
      'getAsFileSystemHandle' in DataTransferItem.prototype""",
    "Folders by drop": "() => 'webkitGetAsEntry' in DataTransferItem.prototype",
    "Folders by a file input": "() => 'webkitdirectory' in HTMLInputElement.prototype",
    "Recording": """() => 'MediaRecorder' in window && 'mediaDevices' in navigator
      && ['video/webm', 'video/mp4'].some((type) => MediaRecorder.isTypeSupported(type))""",
    "The screen stays on while uploads are active": "() => 'wakeLock' in navigator",
    "Two tabs send a file once": "() => 'locks' in navigator",
    "Checksums in workers": """() => {
      let module = false;
      new Worker("/static/site/icon.svg", { get type() { module = true; return "module"; } }).terminate();
      return module;
    }""",
    "CRC64 by WebAssembly SIMD": """() => WebAssembly.validate(Uint8Array.of(
      0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0,
      10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11))""",
    "Files are hashed through one buffer": """() => {
      try { return Boolean(new Blob(["x"]).stream().getReader({ mode: "byob" })); } catch { return false; }
    }""",
    "A file that has changed is not read any more": """() =>
      (navigator.userAgentData?.brands ?? []).some(({ brand }) => brand === "Chromium")""",
    "A background tab is frozen after a while": "() => 'onfreeze' in document",
}
"""By the first cell of a row: a function that says yes or no."""
