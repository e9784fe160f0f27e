import vue from "@vitejs/plugin-vue";

const isCustomElement = (tag) => tag === "oss-uploader";

export default { plugins: [vue({ template: { compilerOptions: { isCustomElement } } })] };
