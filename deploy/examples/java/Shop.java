import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

import static java.nio.charset.StandardCharsets.UTF_8;

/**
 * A shop in Java beside OSS Uploads: it issues the tokens of its users, and is told of their uploads. It needs nothing
 * but the JDK, 17 or newer:
 *
 * <pre>SHOP_URL=http://127.0.0.1:8080 WEBHOOK_SECRET=whsec_… java Shop.java</pre>
 *
 * The site has OIDC_ISSUER=$SHOP_URL, OIDC_AUDIENCE=uploads, and UPLOADS_WEBHOOKS with the url $SHOP_URL/hooks.
 */
public final class Shop {
    private static final long TOKEN_SECONDS = 300;
    /** By which the time of a message may differ from ours. */
    private static final Duration TOLERANCE = Duration.ofMinutes(5);
    /** Messages have 20,000 bytes at most. */
    private static final int MAX_MESSAGE = 32 * 1024;

    /** The last event of an upload. A real shop has it in its database. */
    private record Known(String type, Instant at, String key, String owner) {}

    private final String url;
    private final String secret;
    private final String keyId = String.valueOf(Instant.now().getEpochSecond());
    /** A real shop keeps its key when it is restarted. */
    private final KeyPair keys;
    private final Set<String> seen = new HashSet<>();
    private final Map<String, Known> files = new HashMap<>();

    private Shop(String url, String secret) throws GeneralSecurityException {
        this.url = url;
        this.secret = secret;
        var generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        keys = generator.generateKeyPair();
    }

    public static void main(String[] arguments) throws Exception {
        var given = System.getenv();
        var shop = new Shop(given.getOrDefault("SHOP_URL", "http://127.0.0.1:8080"), given.get("WEBHOOK_SECRET"));
        var address = URI.create(shop.url);
        var server = HttpServer.create(new InetSocketAddress(address.getHost(), address.getPort()), 0);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.createContext("/.well-known/openid-configuration", request -> write(request, shop.discovery()));
        server.createContext("/keys", request -> write(request, shop.published()));
        server.createContext("/token", request -> write(request, shop.token(request.getRequestURI().getRawQuery())));
        server.createContext("/hooks", shop::hook);
        server.createContext("/files", request -> write(request, shop.list()));
        server.start();
    }

    private String discovery() {
        return "{\"issuer\": \"%s\", \"jwks_uri\": \"%1$s/keys\"}".formatted(url);
    }

    private String published() {
        var point = ((ECPublicKey) keys.getPublic()).getW();
        var key = "{\"kty\": \"EC\", \"crv\": \"P-256\", \"use\": \"sig\", \"alg\": \"ES256\", \"kid\": \"%s\", "
                + "\"x\": \"%s\", \"y\": \"%s\"}";
        var x = encode(coordinate(point.getAffineX()));
        return "{\"keys\": [" + key.formatted(keyId, x, encode(coordinate(point.getAffineY()))) + "]}";
    }

    /** A real shop takes the user from the session of its page. "sub" must never be given to another user. */
    private String token(String query) {
        var user = query == null ? "" : URLDecoder.decode(query.replaceFirst("^user=", ""), UTF_8);
        var now = Instant.now().getEpochSecond();
        var header = "{\"alg\": \"ES256\", \"typ\": \"JWT\", \"kid\": \"%s\"}".formatted(keyId);
        var claims = "{\"iss\": \"%s\", \"aud\": \"uploads\", \"sub\": %s, \"iat\": %d, \"exp\": %d}"
                .formatted(url, Json.text(user), now, now + TOKEN_SECONDS);
        var content = encode(header.getBytes(UTF_8)) + "." + encode(claims.getBytes(UTF_8));
        try {
            // RFC 7518, section 3.4: r and s, not ASN.1.
            var signature = Signature.getInstance("SHA256withECDSAinP1363Format");
            signature.initSign(keys.getPrivate());
            signature.update(content.getBytes(UTF_8));
            return "{\"token\": \"" + content + "." + encode(signature.sign()) + "\"}";
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }

    private void hook(HttpExchange request) throws IOException {
        var body = request.getRequestBody().readNBytes(MAX_MESSAGE);
        int status = 401;
        if (verified(secret, name -> request.getRequestHeaders().getFirst(name), body)) {
            keep(request.getRequestHeaders().getFirst("webhook-id"), new String(body, UTF_8));
            status = 204; // Also for types that it does not know.
        }
        request.sendResponseHeaders(status, -1);
        request.close();
    }

    /** A message may come twice; one that an administrator delivers again may come after later ones of its upload. */
    private synchronized void keep(String id, String body) {
        var message = Json.read(body);
        var type = (String) Json.at(message, "type");
        if (seen.contains(id) || !type.startsWith("upload.")) {
            return;
        }
        var upload = (String) Json.at(message, "data", "upload", "id");
        var at = Instant.parse((String) Json.at(message, "timestamp"));
        var known = files.get(upload);
        if (known != null && at.isBefore(known.at)) {
            return;
        }
        seen.add(id);
        var key = (String) Json.at(message, "data", "upload", "key");
        files.put(upload, new Known(type, at, key, (String) Json.at(message, "data", "owner", "subject")));
        System.err.println(type + ": " + key);
    }

    private synchronized String list() {
        return files.entrySet().stream()
                .map(each -> "\"%s\": {\"type\": \"%s\", \"key\": %s, \"owner\": %s}".formatted(each.getKey(),
                        each.getValue().type, Json.text(each.getValue().key), Json.text(each.getValue().owner)))
                .collect(Collectors.joining(", ", "{", "}"));
    }

    private interface Headers {
        String first(String name);
    }

    /** Whether a message is from the site, and not older than five minutes: Standard Webhooks 1.0.0. */
    private static boolean verified(String secret, Headers headers, byte[] body) {
        String id = headers.first("webhook-id");
        String timestamp = headers.first("webhook-timestamp");
        String signatures = headers.first("webhook-signature");
        if (id == null || timestamp == null || signatures == null || !timestamp.matches("\\d{1,15}")) {
            return false;
        }
        var age = Duration.between(Instant.ofEpochSecond(Long.parseLong(timestamp)), Instant.now()).abs();
        if (age.compareTo(TOLERANCE) > 0) {
            return false;
        }
        try {
            var code = Mac.getInstance("HmacSHA256");
            var key = Base64.getDecoder().decode(secret.replaceFirst("^whsec_", ""));
            code.init(new SecretKeySpec(key, "HmacSHA256"));
            code.update((id + "." + timestamp + ".").getBytes(UTF_8));
            var expected = ("v1," + Base64.getEncoder().encodeToString(code.doFinal(body))).getBytes(UTF_8);
            var found = false;
            for (var given : signatures.split(" ")) {
                found |= MessageDigest.isEqual(given.getBytes(UTF_8), expected); // In constant time.
            }
            return found;
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }

    private static byte[] coordinate(BigInteger number) {
        var bytes = number.toByteArray(); // One byte more with a sign, or fewer.
        var fixed = new byte[32];
        var length = Math.min(bytes.length, 32);
        System.arraycopy(bytes, bytes.length - length, fixed, 32 - length, length);
        return fixed;
    }

    private static String encode(byte[] content) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(content);
    }

    private static void write(HttpExchange request, String json) throws IOException {
        var content = json.getBytes(UTF_8);
        request.getResponseHeaders().set("Content-Type", "application/json");
        request.sendResponseHeaders(200, content.length);
        request.getResponseBody().write(content);
        request.close();
    }
}

/** Reads JSON that was verified to be the site's. A shop has a library for this; the JDK has none. */
final class Json {
    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    static Object read(String text) {
        return new Json(text).value();
    }

    /** The value at this path; null if there is none. */
    static Object at(Object value, String... path) {
        for (var name : path) {
            value = value instanceof Map<?, ?> object ? object.get(name) : null;
        }
        return value;
    }

    /** A text as JSON; null as null. */
    static String text(String value) {
        return value == null ? "null" : value.chars().mapToObj(each -> each >= ' ' && each != '"' && each != '\\'
                ? String.valueOf((char) each) : "\\u%04x".formatted(each)).collect(Collectors.joining("", "\"", "\""));
    }

    private Object value() {
        return switch (next()) {
            case '{' -> object();
            case '[' -> array();
            case '"' -> string();
            default -> literal();
        };
    }

    private char next() {
        while (Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        return text.charAt(at);
    }

    private Map<String, Object> object() {
        var found = new LinkedHashMap<String, Object>();
        for (at++; next() != '}'; at += next() == ',' ? 1 : 0) {
            next();
            var name = string();
            next();
            at++; // The colon.
            found.put(name, value());
        }
        at++;
        return found;
    }

    private List<Object> array() {
        var found = new ArrayList<>();
        for (at++; next() != ']'; at += next() == ',' ? 1 : 0) {
            found.add(value());
        }
        at++;
        return found;
    }

    private String string() {
        var found = new StringBuilder();
        for (at++; text.charAt(at) != '"'; at++) {
            var each = text.charAt(at);
            if (each == '\\') {
                each = text.charAt(++at);
                if (each == 'u') {
                    each = (char) Integer.parseInt(text.substring(at + 1, at + 5), 16);
                    at += 4;
                } else {
                    var escaped = "bfnrt".indexOf(each);
                    each = escaped < 0 ? each : "\b\f\n\r\t".charAt(escaped);
                }
            }
            found.append(each);
        }
        at++;
        return found.toString();
    }

    /** A number as it is written, true, false, or null. */
    private Object literal() {
        int begin = at;
        while (at < text.length() && ",]} \n\r\t".indexOf(text.charAt(at)) < 0) {
            at++;
        }
        var found = text.substring(begin, at);
        return found.equals("null") ? null : found;
    }
}
