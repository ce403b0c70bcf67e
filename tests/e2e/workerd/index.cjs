exports.default = "/nonexistent/workerd";
exports.compatibilityDate = "2026-04-26";
exports.version = "1.20260426.1";
