import { mount } from "svelte";
import UploadField from "./UploadField.svelte";

mount(UploadField, { target: document.getElementById("app") });
