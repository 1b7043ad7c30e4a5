// One UMD file beside Buildbot's own: what its page has as globals is not bundled again.
import { defineConfig } from "vite";

const globals = {
  "buildbot-plugin-support": "BuildbotPluginSupport",
  "buildbot-ui": "BuildbotUi",
  react: "React",
  "react-dom": "ReactDOM",
  "react-router-dom": "ReactRouterDOM",
};

export default defineConfig({
  define: { "process.env.NODE_ENV": '"production"' },
  esbuild: { jsx: "automatic" },
  build: {
    target: "es2022",
    outDir: "../static",
    emptyOutDir: true,
    cssCodeSplit: false,
    reportCompressedSize: true,
    lib: { entry: "main.tsx", name: "slipway", formats: ["umd"], cssFileName: "styles" },
    rollupOptions: {
      external: Object.keys(globals),
      output: { globals, entryFileNames: "scripts.js", assetFileNames: "styles.css" },
    },
  },
  test: { include: ["**/*.test.ts"] },
});
