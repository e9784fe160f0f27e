import { OssUploader, type Upload } from "oss-uploads";
import { useEffect, useMemo, useReducer, useState } from "react";

/** One upload. The component renders again whenever its progress or state changes. */
export function useUpload(destination = "default") {
  const uploader = useMemo(() => new OssUploader({ destination }), [destination]);
  const [upload, setUpload] = useState<Upload | null>(null);
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const controller = new AbortController();
    for (const event of ["progress", "statechange"]) upload?.addEventListener(event, redraw, controller);
    return () => controller.abort();
  }, [upload]);
  return { upload, start: (file: File) => setUpload(uploader.upload(file)) };
}

export function UploadField() {
  const { upload, start } = useUpload();
  return (
    <>
      <input
        type="file"
        aria-label="File"
        onChange={({ target: { files } }) => files?.[0] && start(files[0])}
      />
      {upload && (
        <>
          <progress value={upload.progress.ratio} />
          {upload.state === "uploading" && (
            <button type="button" onClick={() => upload.pause()}>
              Pause
            </button>
          )}
          {["paused", "failed"].includes(upload.state) && (
            <button type="button" onClick={() => upload.resume()}>
              Resume
            </button>
          )}
          <output>{upload.error ? upload.error.message : `${upload.filename}: ${upload.state}`}</output>
        </>
      )}
    </>
  );
}
