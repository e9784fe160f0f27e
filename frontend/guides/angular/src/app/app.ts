import { Component, CUSTOM_ELEMENTS_SCHEMA, signal } from "@angular/core";
import { OssUploader, type Upload } from "oss-uploads";
import "oss-uploads/define";

@Component({
  selector: "app-root",
  schemas: [CUSTOM_ELEMENTS_SCHEMA],
  template: `
    <input type="file" aria-label="File" (change)="start($event)">
    <ul aria-label="Uploads">
      @for (shown of uploads(); track shown.upload) {
        <li>
          <progress [value]="shown.upload.progress.ratio"></progress>
          @if (shown.upload.state === "uploading") {
            <button type="button" (click)="shown.upload.pause()">Pause</button>
          }
          @if (shown.upload.state === "paused" || shown.upload.state === "failed") {
            <button type="button" (click)="shown.upload.resume()">Resume</button>
          }
          <output>{{ shown.upload.error?.message ?? shown.upload.filename + ": " + shown.upload.state }}</output>
        </li>
      }
    </ul>

    <oss-uploader destination="default" (oss-uploader-completed)="add($event)"></oss-uploader>
    <ul aria-label="Films">
      @for (film of films(); track film) { <li>{{ film }}</li> }
    </ul>
  `,
})
export class App {
  readonly uploader = new OssUploader({ destination: "default" });
  readonly uploads = signal<{ upload: Upload }[]>([]);
  readonly films = signal<string[]>([]);

  constructor() {
    for (const name of ["accepted", "statechange", "progress"] as const) {
      this.uploader.addEventListener(name, () =>
        this.uploads.set(this.uploader.uploads.map((upload) => ({ upload }))),
      );
    }
  }

  start({ target }: Event): void {
    for (const file of (target as HTMLInputElement).files ?? []) this.uploader.upload(file);
  }

  add({ detail }: HTMLElementEventMap["oss-uploader-completed"]): void {
    this.films.update((films) => [...films, detail.upload.filename]);
  }
}
