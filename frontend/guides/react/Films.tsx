import { Uploader } from "oss-uploads/react";
import { useState } from "react";

export function Films() {
  const [names, setNames] = useState<string[]>([]);
  return (
    <>
      <Uploader
        destination="default"
        onCompleted={({ detail }) => setNames((before) => [...before, detail.upload.filename])}
      />
      <ul aria-label="Films">
        {names.map((name) => (
          <li key={name}>{name}</li>
        ))}
      </ul>
    </>
  );
}
