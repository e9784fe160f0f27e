import { createApp } from "vue";
import UploadField from "./UploadField.vue";

createApp(UploadField).mount("#app");
