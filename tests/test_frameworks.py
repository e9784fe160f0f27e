"""The types of the packed package in each framework: tsc takes the element's attributes and events, and no others."""

from pathlib import Path

import pytest

from tests.packed import MODULES, Packed, pack
from tests.test_package import compile_types

REACT = """
import type { Upload } from "oss-uploads";
import { Uploader, useUploader } from "oss-uploads/react";
import { useRef } from "react";

export function Films({ token }: { token: string }) {
  const { uploader, uploads } = useUploader({ destination: "films", metadata: { shelf: "7" } });
  const element = useRef<HTMLElementTagNameMap["oss-uploader"]>(null);
  const names: string[] = uploads.map((upload: Upload) => upload.filename);
  return (
    <main onClick={() => uploader.pauseAll()}>
      <Uploader ref={element} destination="films" accept="video/*" max-size={1000} single headers={{ token }}
        uploader={uploader} onCompleted={({ detail }) => names.push(detail.upload.filename)}
        onAccept={(event) => event.detail.files.length > 3 && event.preventDefault()} />
      {/* @ts-expect-error there is no such event */}
      <Uploader onFinished={() => {}} />
      {/* @ts-expect-error there is no such integrity */}
      <oss-uploader integrity="md4" />
      <oss-uploader destination="films" single className="films" />
      EVENT
    </main>
  );
}
"""
TAKEN = (
    "<oss-uploader uploader={uploader} onoss-uploader-completed={({ detail }) => names.push(detail.upload.filename)} />"
)
REFUSED = f"{{/* @ts-expect-error React 18 listens to no custom event */}}\n{TAKEN}"

PREACT = """
import "oss-uploads/preact";

export const films = <oss-uploader destination="films" parallel={2} class="films" headers={{ a: "b" }}
  onoss-uploader-completed={({ detail }) => detail.upload.filename.trim()} />;
// @ts-expect-error there is no such integrity
export const wrong = <oss-uploader integrity="md4" />;
"""
SOLID = """
import { OssUploader } from "oss-uploads";
import "oss-uploads/solid";

export const films = () => <oss-uploader attr:destination="films" bool:single={true} prop:uploader={new OssUploader()}
  on:oss-uploader-completed={({ detail }) => detail.upload.filename.trim()} class="films" />;
// @ts-expect-error there is no such integrity
export const wrong = () => <oss-uploader attr:integrity="md4" />;
"""
SVELTE = """
import type { SvelteHTMLElements } from "svelte/elements";
import "oss-uploads/svelte";

type Attributes = SvelteHTMLElements["oss-uploader"];
export const films: Attributes = { destination: "films", single: true, class: "films",
  "onoss-uploader-completed": ({ detail }) => void detail.upload.filename.trim() };
// @ts-expect-error there is no such integrity
export const wrong: Attributes = { integrity: "md4" };
"""
VUE = """
import { Uploader, useUploader } from "oss-uploads/vue";
import { type GlobalComponents, h } from "vue";

const { uploader, uploads } = useUploader({ destination: "films" });
export const names: string[] = uploads.value.map(({ filename }) => filename);
export const films = () => <Uploader destination="films" maxSize={1000} single uploader={uploader}
  onCompleted={({ detail }) => void detail.upload.filename.trim()} />;
type Template = InstanceType<GlobalComponents["oss-uploader"]>["$props"];
export const element: Template = { destination: "films", single: true,
  "onoss-uploader-completed": ({ detail }) => void detail.upload.filename.trim() };
export const plain = () => h("oss-uploader", element);
// @ts-expect-error there is no such integrity
export const wrong: Template = { integrity: "md4" };
// @ts-expect-error a size is a number
export const wrongProp = () => <Uploader maxSize="large" />;
"""
PLAIN = """
import "oss-uploads/define";
import { OssUploader, type PartEvent, type UploadCheckpoint } from "oss-uploads";

const element = document.querySelector("oss-uploader");
element?.addEventListener("oss-uploader-failed", ({ detail }) => detail.error?.requestId?.trim());
document.addEventListener("oss-uploader-completed", ({ detail }) => detail.upload.id?.trim());
const options = { acl: "private", tagging: { shelf: "7" } } as const;
const uploader = new OssUploader({ options, restrictions: { maxFiles: 3 } });
uploader.addEventListener("part", ({ upload, number, etag, tries }: PartEvent) => {
  return [upload.id, number + tries, etag?.trim()];
});
uploader.addEventListener("accepted", ({ upload }) => upload.pause());
const kept: UploadCheckpoint | null = uploader.upload(new Blob()).checkpoint();
export const resumed = kept && uploader.resume(kept, new Blob());
// @ts-expect-error there is no such ACL
new OssUploader({ options: { acl: "public" } });
// @ts-expect-error restrictions have a size in bytes
new OssUploader({ restrictions: { maxSize: "5 MB" } });
"""
JSX = {"react": "react", "react-18": "react", "preact": "preact", "solid": "solid-js", "vue": "vue"}
PROGRAMS = {
    "plain": (PLAIN, ()),
    "react": (REACT.replace("EVENT", TAKEN), ("react", "@types")),
    "react-18": (REACT.replace("EVENT", REFUSED), ("react",)),
    "preact": (PREACT, ("preact",)),
    "solid": (SOLID, ("solid-js",)),
    "svelte": (SVELTE, ("svelte",)),
    "vue": (VUE, ("vue",)),
}


@pytest.fixture(scope="module")
def packed() -> Packed:
    return pack()


@pytest.mark.parametrize("framework", PROGRAMS)
def test_its_types_hold_in(packed: Packed, tmp_path: Path, framework: str) -> None:
    program, needed = PROGRAMS[framework]
    packed.install(tmp_path, *needed)
    if framework == "react-18":
        (tmp_path / "node_modules" / "@types").mkdir()
        (tmp_path / "node_modules" / "@types" / "react").symlink_to(MODULES / "types-react-18")
    (tmp_path / "program.tsx").write_text(program)
    jsx = ["--jsx", "preserve", "--jsxImportSource", JSX[framework]] if framework in JSX else []
    compile_types(tmp_path, "--skipLibCheck", *jsx, "program.tsx")
