// The package's door: everything a page may import, and nothing that touches the page by being imported.

export type { HeadersOption, RemoteUpload } from "./api.ts";
export {
  AbortedError,
  ApiError,
  ConfigurationError,
  CorsError,
  FileError,
  LoginError,
  NetworkError,
  StorageError,
  UploadError,
} from "./errors.ts";
export { NoticeEvent, StateChangeEvent, UploadProgressEvent } from "./events.ts";
export { BrowserJournal, MemoryJournal } from "./journal.ts";
export type {
  Clock,
  Connection,
  Journal,
  JournalEntry,
  SendAnswer,
  SendRequest,
  Transport,
  World,
} from "./ports.ts";
export type { Progress } from "./progress.ts";
export { can, IllegalTransition, isActive, isOver, type State, TRANSITIONS } from "./states.ts";
export { Upload, type UploadOptions } from "./upload.ts";
export { OssUploader, type Unfinished, type UploaderOptions } from "./uploader.ts";
