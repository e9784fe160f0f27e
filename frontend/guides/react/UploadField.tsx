import { useUploader } from "oss-uploads/react";

export function UploadField() {
  const { uploader, uploads } = useUploader({ destination: "default" });
  const start = (files: FileList | null) => {
    for (const file of files ?? []) uploader.upload(file);
  };
  return (
    <>
      <input type="file" aria-label="File" onChange={({ target }) => start(target.files)} />
      <ul aria-label="Uploads">
        {Array.from(uploads.entries(), ([index, upload]) => (
          <li key={index}>
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
          </li>
        ))}
      </ul>
    </>
  );
}
