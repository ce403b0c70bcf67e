// request.cf of incoming requests: what Cloudflare's network tells about a client.
//
// Nothing here knows where a client is, so each member has the type it has there and says "unknown":
// a program that compares, parses or formats it goes on working. What is known is said: HTTP/1.1,
// and no TLS.

const { freeze } = Object;

const NO_CERTIFICATE = {
  certIssuerDNLegacy: "",
  certIssuerDN: "",
  certPresented: "0",
  certSubjectDNLegacy: "",
  certSubjectDN: "",
  certNotBefore: "",
  certNotAfter: "",
  certSerial: "",
  certFingerprintSHA1: "",
  certVerified: "NONE",
};

exports.incoming = () =>
  freeze({
    asn: 0,
    asOrganization: "",
    botManagement: freeze({
      corporateProxy: false,
      verifiedBot: false,
      jsDetection: freeze({ passed: false }),
      staticResource: false,
      detectionIds: freeze({}),
      score: 99,
    }),
    city: "",
    clientAcceptEncoding: "",
    clientTcpRtt: 0,
    clientTrustScore: 99,
    colo: "LOC",
    continent: "",
    country: "XX", // ISO 3166: of no country; what Cloudflare says when it does not know
    edgeRequestKeepAliveStatus: 0,
    hostMetadata: undefined,
    httpProtocol: "HTTP/1.1",
    isEUCountry: undefined,
    latitude: "0",
    longitude: "0",
    metroCode: "",
    postalCode: "",
    region: "",
    regionCode: "",
    requestPriority: "",
    timezone: "UTC",
    tlsCipher: "",
    tlsClientAuth: freeze({ ...NO_CERTIFICATE }),
    tlsClientHelloLength: "",
    tlsClientRandom: "",
    tlsVersion: "",
    verifiedBotCategory: "",
  });
