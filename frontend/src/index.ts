/**
 * The package's main module: everything that a page may import. Importing it has no side effects.
 *
 * @module oss-uploads
 */

export type { Allowance, DownloadLink } from "./engine/allowance.ts";
export type { CallbackOutcome, RemoteUpload } from "./engine/api.ts";
export type { Bandwidth } from "./engine/bandwidth.ts";
export type { DiagnosisName } from "./engine/diagnosis-texts.ts";
export {
  AbortedError,
  ApiError,
  ConfigurationError,
  CorsError,
  type ErrorFields,
  FileError,
  LoginError,
  NetworkError,
  type RecordedError,
  StorageError,
  UploadError,
} from "./engine/errors.ts";
export {
  CheckpointEvent,
  type Notice,
  NoticeEvent,
  PartEvent,
  StateChangeEvent,
  type TypedEventTarget,
  type UploadCheckpoint,
  UploadEvent,
  type UploadEventMap,
  type UploadEventTarget,
  type UploaderEventMap,
  type UploaderEventTarget,
  UploadProgressEvent,
} from "./engine/events.ts";
export type { FileState, FolderFile, FolderList } from "./engine/folder-list.ts";
export type { FolderFileEvent } from "./engine/folder-live.ts";
export type { FolderOptions } from "./engine/folder-options.ts";
export type { FolderUpload } from "./engine/folder-upload.ts";
export type { Folders } from "./engine/folders.ts";
export type {
  AuthorizationOption,
  BackendOptions,
  CsrfOption,
  HeadersOption,
  HeaderValues,
  OutgoingRequest,
  TimeoutOptions,
} from "./engine/http.ts";
export type { Integrity } from "./engine/integrity.ts";
export { BrowserJournal, MemoryJournal } from "./engine/journal.ts";
export type {
  Disposition,
  ObjectOptions,
  SharedOptions,
  StreamOptions,
  UploaderOptions,
  UploadOptions,
} from "./engine/options.ts";
export type { DonePart } from "./engine/parts.ts";
export type {
  BlockedBy,
  Clock,
  Connection,
  Environment,
  FolderRecord,
  Hasher,
  Journal,
  JournalEntry,
  Locks,
  SendRequest,
  SendResponse,
  SignedRequest,
  StoredChunk,
  StreamStore,
  Transport,
} from "./engine/ports.ts";
export type { EndedEarly, Progress, StreamGrowth, StreamRoom } from "./engine/progress.ts";
export type { RestrictionName, Restrictions } from "./engine/restrictions.ts";
export type { RetryOptions } from "./engine/retry.ts";
export type { Arrival } from "./engine/sender.ts";
export type { ErrorName, ErrorTuple, Facts, NoticeName } from "./engine/sentences.ts";
export type { Signing } from "./engine/signer.ts";
export {
  can,
  IllegalTransition,
  isActive,
  isOver,
  type State,
  type StateEvent,
  TRANSITIONS,
} from "./engine/states.ts";
export type { StreamChunk } from "./engine/stream.ts";
export { Upload } from "./engine/upload.ts";
export { OssUploader, type Unfinished } from "./engine/uploader.ts";
