import type { Upload } from "oss-uploads";
import type { OssUploaderElement } from "oss-uploads/define";
import "oss-uploads/define";
import { type HTMLAttributes, useState } from "react";

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "oss-uploader": HTMLAttributes<OssUploaderElement> & {
        api?: string;
        destination?: string;
        "onoss-uploader-completed"?: (event: CustomEvent<{ upload: Upload }>) => void;
      };
    }
  }
}

export function Films() {
  const [names, setNames] = useState<string[]>([]);
  return (
    <>
      <oss-uploader
        destination="default"
        onoss-uploader-completed={({ detail }) => setNames((before) => [...before, detail.upload.filename])}
      />
      <ul aria-label="Films">
        {names.map((name) => (
          <li key={name}>{name}</li>
        ))}
      </ul>
    </>
  );
}
