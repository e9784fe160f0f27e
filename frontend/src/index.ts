// The package's door: everything a page may import, and nothing that touches the page by being imported.

export type { HeadersOption, RemoteUpload } from "./engine/api.ts";
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
} from "./engine/errors.ts";
export { NoticeEvent, StateChangeEvent, UploadProgressEvent } from "./engine/events.ts";
export { BrowserJournal, MemoryJournal } from "./engine/journal.ts";
export type {
  Clock,
  Connection,
  Journal,
  JournalEntry,
  SendAnswer,
  SendRequest,
  Transport,
  World,
} from "./engine/ports.ts";
export type { Progress } from "./engine/progress.ts";
export { can, IllegalTransition, isActive, isOver, type State, TRANSITIONS } from "./engine/states.ts";
export { Upload, type UploadOptions } from "./engine/upload.ts";
export { OssUploader, type Unfinished, type UploaderOptions } from "./engine/uploader.ts";
