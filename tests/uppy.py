"""Uppy, from its own packages, as one script for a page."""

import subprocess
import tempfile
from pathlib import Path

from tests.stack import ROOT

SCRIPT = """
import { build } from "vite";
await build({
  root: process.argv[2], logLevel: "error", configFile: false,
  resolve: { modules: [process.argv[2] + "/node_modules"], preserveSymlinks: true },
  build: {
    outDir: process.argv[4], emptyOutDir: true, minify: false,
    lib: { entry: process.argv[3], formats: ["iife"], name: "bundle", fileName: () => "uppy.js" },
  },
});
"""
FRONTEND = ROOT / "frontend"


def bundle(out: Path, packages: Path = FRONTEND) -> Path:
    """The script, built into `out`; it sets `Uppy` and `AwsS3`."""
    # The entry has to lie beside the packages for them to be found, and another run may build at the same time.
    with tempfile.TemporaryDirectory(prefix=".uppy-entry-", dir=packages / "node_modules") as folder:
        entry = Path(folder) / "entry.js"
        entry.write_text((ROOT / "tests" / "interop" / "uppy.entry.js").read_text())
        command = ["node", "--input-type=module", "--eval", SCRIPT, "-", str(packages), str(entry), str(out)]
        subprocess.run(command, cwd=FRONTEND, check=True, timeout=300)
    return out / "uppy.js"
