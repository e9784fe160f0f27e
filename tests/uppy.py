"""Uppy as its own packages have it, as one script for a page."""

import subprocess
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
    """Built beside the packages, where they are found; it sets `Uppy` and `AwsS3`."""
    entry = packages / "node_modules" / ".uppy-entry.js"
    entry.write_text((ROOT / "tests" / "interop" / "uppy.entry.js").read_text())
    command = ["node", "--input-type=module", "--eval", SCRIPT, "-", str(packages), str(entry), str(out)]
    subprocess.run(command, cwd=FRONTEND, check=True, timeout=120)
    return out / "uppy.js"
