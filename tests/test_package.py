"""The npm package holds what a page needs, nothing else, and does what it says where it is installed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.packed import FRONTEND, MODULES, Packed, node, pack, vite_build
from tests.stack import ROOT

UPPY5 = ROOT / "tests" / "interop" / "uppy5" / "node_modules"
REGISTERING = {f"oss-uploads/{name}" for name in ("define", "preact", "solid", "svelte")}
"""Entries that register the element when they are imported."""
WRAPPERS = {"oss-uploads/react", "oss-uploads/vue"}
ENTRIES = {"oss-uploads", "oss-uploads/element", "oss-uploads/uppy", "oss-uploads/ali-oss", *REGISTERING, *WRAPPERS}


@pytest.fixture(scope="module")
def packed() -> Packed:
    return pack()


@pytest.fixture(scope="module")
def consumer(packed: Packed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("consumer")
    (folder / "package.json").write_text('{"type": "module"}')
    packed.install(folder, "react", "vue")
    return folder


@pytest.fixture(scope="module")
def inside(consumer: Path) -> Path:
    return consumer / "node_modules" / "oss-uploads"


def manifest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FRONTEND / "package.json").read_text())
    return found


def compile_types(folder: Path, *more: str) -> None:
    options = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2023,dom,dom.iterable"]
    options += ["--module", "esnext", "--moduleResolution", "bundler"]
    node(folder, str(MODULES / "typescript" / "bin" / "tsc"), *options, *more)


def test_it_holds_what_is_built_and_nothing_else(packed: Packed) -> None:
    kinds = re.compile(r"dist/(\w+/)?[\w.-]+\.(js|js\.map|d\.ts)|package\.json|README\.md|LICENSE")
    assert {path for path in packed.files if not kinds.fullmatch(path)} == set()
    assert {"package.json", "README.md", "LICENSE"} <= packed.files
    built = {path.relative_to(FRONTEND / "src").with_suffix("") for path in (FRONTEND / "src").rglob("*.ts")}
    built -= {Path("page")}  # What our own built page loads, which is no module of a package.
    assert {path for path in packed.files if path.endswith(".js")} == {f"dist/{path}.js" for path in built}


def test_files_that_its_modules_load_by_address_are_there(inside: Path) -> None:
    """TypeScript rewrites imports alone: a worker's name stands as it was written."""
    named = [
        (module, name)
        for module in (inside / "dist").rglob("*.js")
        for name in re.findall(r"new URL\(\s*\"([^\"]+)\",\s*import\.meta\.url", module.read_text())
    ]
    assert {name for _, name in named} == {"./crc64.worker.js", "./md5.worker.js"}
    assert all((module.parent / name).exists() for module, name in named)


def test_its_licence_is_the_projects(inside: Path) -> None:
    assert (inside / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_every_export_is_there_with_its_types(packed: Packed) -> None:
    exports = manifest()["exports"]
    assert {f"oss-uploads{name[1:]}" for name in exports if name != "./package.json"} == ENTRIES
    for target in exports.values():
        for path in [target] if isinstance(target, str) else target.values():
            assert path.removeprefix("./") in packed.files


def test_every_module_has_a_source_map_that_needs_no_sources(inside: Path) -> None:
    for module in (inside / "dist").rglob("*.js"):
        text = module.read_text()
        assert text.rstrip().endswith(f"//# sourceMappingURL={module.name}.map")
        given = json.loads(module.with_suffix(".js.map").read_text())
        assert len(given["sources"]) == len(given["sourcesContent"]) == 1
        assert given["sourcesContent"][0].startswith(("//", "/**"))


def test_it_tells_nothing_of_the_machine_it_was_made_on(packed: Packed, inside: Path) -> None:
    secret = re.compile(r"(?i)/home/|/root/|/tmp/|/Users/|file://|BEGIN [A-Z ]*PRIVATE KEY|demo-key-secret|LTAI\w{12,}")
    for name in packed.files:
        assert not (found := secret.search((inside / name).read_text())), f"{name}: {found}"


def test_importing_it_where_there_is_no_page_does_nothing(consumer: Path) -> None:
    script = """
      const before = Reflect.ownKeys(globalThis);
      const found = {};
      for (const name of JSON.parse(process.argv[1])) found[name] = Object.keys(await import(name));
      const added = Reflect.ownKeys(globalThis).filter((key) => !before.includes(key));
      console.log(JSON.stringify({ found, added: added.map(String) }));
    """
    seen = json.loads(node(consumer, "--input-type=module", "--eval", script, json.dumps(sorted(ENTRIES))))
    assert [key for key in seen["added"] if not key.startswith("__VUE")] == [], "but Vue's own"
    for name in WRAPPERS:
        assert seen["found"][name] == ["Uploader", "useUploader"]
    assert {"OssUploader", "Upload", "UploadError"} <= set(seen["found"]["oss-uploads"])
    assert seen["found"]["oss-uploads/element"] == ["OssUploaderElement"]
    assert all(seen["found"][name] == ["OssUploaderElement"] for name in REGISTERING)
    assert seen["found"]["oss-uploads/uppy"] == ["uppyOptions"]
    assert seen["found"]["oss-uploads/ali-oss"] == ["aliOssOptions"]


def test_the_element_is_registered_by_define_alone(consumer: Path) -> None:
    script = """
      const defined = [];
      globalThis.HTMLElement = class {};
      globalThis.document = { adoptedStyleSheets: [] };
      globalThis.customElements = { get: () => undefined, define: (name) => defined.push(name) };
      await import("oss-uploads/element");
      await import("oss-uploads");
      const before = [...defined];
      await import("oss-uploads/define");
      console.log(JSON.stringify({ before, after: defined }));
    """
    assert json.loads(node(consumer, "--input-type=module", "--eval", script)) == {
        "before": [],
        "after": ["oss-uploader"],
    }


def test_what_has_effects_is_said_to(inside: Path) -> None:
    """A bundler may drop any other module that nobody uses."""
    said = {path for path in manifest()["sideEffects"] if path.startswith("./dist/")}
    registering = {manifest()["exports"][f".{name.removeprefix('oss-uploads')}"]["default"] for name in REGISTERING}
    assert said == {*registering, "./dist/hashing/crc64.worker.js", "./dist/hashing/md5.worker.js"}
    assert all((inside / path).exists() for path in said)


def test_what_nobody_uses_is_left_out_of_a_page(packed: Packed, tmp_path: Path) -> None:
    packed.install(tmp_path, "react", "vue")
    names = sorted(ENTRIES - REGISTERING)
    imports = "".join(f"import * as m{index} from '{name}';" for index, name in enumerate(names))
    (tmp_path / "index.html").write_text(f"<!doctype html><script type=module>{imports}</script>")
    built = "".join(file.read_text() for file in vite_build(tmp_path).rglob("*.js"))
    assert len(built) < 1000, "Vite's own few lines"


CONSUMER = """
import { OssUploader, UploadError } from "oss-uploads";
import type { Notice, RemoteUpload, State, StreamOptions, Unfinished } from "oss-uploads";
import { Upload } from "oss-uploads";
import { OssUploaderElement } from "oss-uploads/element";
import "oss-uploads/define";
import { type AliOssOptions, aliOssOptions } from "oss-uploads/ali-oss";
import { uppyOptions } from "oss-uploads/uppy";

const uploader: OssUploader = new OssUploader({ api: "/api/", integrity: "md5", signing: "sts", parallel: 6 });
const upload: Upload = uploader.upload(new File([], "a"), { metadata: { shelf: "7" } });
upload.addEventListener("progress", ({ loaded, total, ratio, speed, eta }) => {
  const sums: [number, number, number, number | null, number | null] = [loaded, total, ratio, speed, eta];
  void sums;
});
upload.addEventListener("statechange", ({ state, error }) => {
  const told: [State, UploadError | null] = [state, error];
  void told;
});
const options: StreamOptions = { type: "video/webm", filename: "a.webm" };
const notice: Notice | null = uploader.uploadStream(new Blob([]).stream(), options).notice;
void notice;
export async function end(): Promise<string> {
  const unfinished: Unfinished[] = await uploader.unfinished();
  const element: OssUploaderElement = document.createElement("oss-uploader");
  const options: AliOssOptions = await aliOssOptions({ headers: { Authorization: "Token 7" } });
  const { companionEndpoint, endpoint } = await uppyOptions();
  await upload.abort();
  const remote: RemoteUpload = await upload.done;
  const size: number | null = remote.size;
  void size;
  const { key } = remote;
  return [key, unfinished.length, element.value, options.prefix, companionEndpoint, endpoint].join();
}
// @ts-expect-error there is no such integrity
new OssUploader({ integrity: "md4" });
// @ts-expect-error an upload is created by its uploader alone
new Upload(new Blob([]));
// @ts-expect-error the engine's parts are internal
upload.ports;
// @ts-expect-error the queue alone starts an upload
upload.begin();
// @ts-expect-error the size of a stream is null until its end
export const bytes: number = (await upload.done).size;
// @ts-expect-error a file is no text
uploader.upload("film.mp4");
"""


@pytest.mark.parametrize("resolution", ["bundler", "nodenext"])
def test_its_types_hold_at_the_consumers(consumer: Path, resolution: str) -> None:
    (consumer / "consumer.ts").write_text(CONSUMER)
    module = "esnext" if resolution == "bundler" else resolution
    compile_types(consumer, "--module", module, "--moduleResolution", resolution, "consumer.ts")


def test_every_type_of_a_public_signature_is_exported(inside: Path) -> None:
    entries = [target["types"] for target in manifest()["exports"].values() if isinstance(target, dict)]
    found = json.loads(node(FRONTEND, "tests/public-types.mjs", str(inside), *entries))
    assert found["exported"] > 50
    assert found["missing"] == []


UPPY = """
import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";
import { uppyOptions } from "oss-uploads/uppy";
export const uppy = new Uppy().use(AwsS3, await uppyOptions({ destination: "films" }));
"""


@pytest.mark.parametrize("modules", [MODULES, UPPY5], ids=["Uppy 6", "Uppy 5"])
def test_uppys_types_take_ours(packed: Packed, tmp_path: Path, modules: Path) -> None:
    packed.install(tmp_path)
    (tmp_path / "node_modules" / "@uppy").symlink_to(modules / "@uppy")
    (tmp_path / "uppy.ts").write_text(UPPY)
    compile_types(tmp_path, "--skipLibCheck", "uppy.ts")


def test_reacts_types_take_the_guides(packed: Packed, tmp_path: Path) -> None:
    packed.install(tmp_path, "react", "react-dom", "@types")
    for file in (FRONTEND / "guides" / "react").glob("*.tsx"):
        (tmp_path / file.name).write_text(file.read_text())
    compile_types(tmp_path, "--skipLibCheck", "--jsx", "react-jsx", "--allowImportingTsExtensions", "main.tsx")


def test_its_readme_lists_every_attribute_event_and_part() -> None:
    readme = (FRONTEND / "README.md").read_text()
    source = "".join(path.read_text() for path in sorted((FRONTEND / "src" / "element").glob("*.ts")))
    attributes = set(re.findall(r"(?:get|has)Attribute\(\"(\w+)\"\)", source)) | {"signing", "integrity", "lang"}
    assert len(attributes) == 13
    assert {name for name in attributes if f"| `{name}` |" not in readme} == set()
    events = set(re.findall(r"\"(oss-uploader-\w+)\": CustomEvent", source))
    assert len(events) == 5
    assert {name for name in events if f"| `{name}` |" not in readme} == set()
    parts = {name for names in re.findall(r"part: [\"`]([\w -]+)", source) for name in names.split()}
    sentence = readme[readme.index("`::part()`:") : readme.index("It follows the user's light or dark theme")]
    listed = set(re.findall(r"`([\w-]+)`", sentence))
    assert listed
    assert listed <= parts | {"item"}


# The guides


def test_the_code_shown_is_the_code_that_runs() -> None:
    readme = (FRONTEND / "README.md").read_text()
    shown = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL))
    for path, text in shown.items():
        root = FRONTEND if path.startswith("guides/") else ROOT
        assert (root / path).read_text() == text, path
    guides = FRONTEND / "guides"
    there = {path.relative_to(guides).as_posix() for path in guides.rglob("*") if path.is_file()}
    assert {path.removeprefix("guides/") for path in shown if path.startswith("guides/")} == there
