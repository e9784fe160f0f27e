import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Films } from "./Films.tsx";
import { UploadField } from "./UploadField.tsx";

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <UploadField />
    <Films />
  </StrictMode>,
);
