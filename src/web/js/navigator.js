// navigator (HTML 8.10): what Workers tell about themselves. It says the same everywhere: neither the
// machine nor a visitor is described by it.

const { finish } = use("webidl");

const LANGUAGES = Object.freeze(["en"]);

class Navigator {
  #brand;
  get userAgent() {
    this.#brand;
    return "Cloudflare-Workers";
  }
  get hardwareConcurrency() {
    this.#brand;
    return 1; // a worker is one thread
  }
  get language() {
    this.#brand;
    return LANGUAGES[0];
  }
  get languages() {
    this.#brand;
    return LANGUAGES;
  }
}
finish(Navigator, "Navigator");

exports.navigator = new Navigator();
