// A shop in Go beside OSS Uploads: it issues the tokens of its users, and is told of their uploads. It needs nothing but
// Go's standard library:
//
//	SHOP_URL=http://127.0.0.1:8080 WEBHOOK_SECRET=whsec_… go run .
//
// The site has OIDC_ISSUER=$SHOP_URL, OIDC_AUDIENCE=uploads, and UPLOADS_WEBHOOKS with the url $SHOP_URL/hooks.
package main

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	tokenLifetime = 5 * time.Minute
	tolerance     = 5 * time.Minute // By which the time of a message may differ from ours.
	maxMessage    = 32 << 10        // Messages have 20,000 bytes at most.
)

// Message is what the site tells of an upload.
type Message struct {
	Type string    `json:"type"`
	At   time.Time `json:"timestamp"`
	Data struct {
		Upload struct{ ID, State, Bucket, Key string }
		Owner  *struct{ Subject string }
	} `json:"data"`
}

// Shop keeps in memory what a real one has in its database. A real one also keeps its key when it is restarted.
type Shop struct {
	url, secret, keyID string
	key                *ecdsa.PrivateKey

	lock  sync.Mutex
	seen  map[string]bool    // The ids of messages.
	files map[string]Message // By upload: the last event.
}

func main() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	shop := &Shop{
		url:    cmp.Or(os.Getenv("SHOP_URL"), "http://127.0.0.1:8080"),
		secret: os.Getenv("WEBHOOK_SECRET"),
		keyID:  strconv.FormatInt(time.Now().Unix(), 10),
		key:    key,
		seen:   map[string]bool{},
		files:  map[string]Message{},
	}
	http.HandleFunc("GET /.well-known/openid-configuration", shop.discovery)
	http.HandleFunc("GET /keys", shop.keys)
	http.HandleFunc("GET /token", shop.token)
	http.HandleFunc("POST /hooks", shop.hook)
	http.HandleFunc("GET /files", shop.list)
	address, err := url.Parse(shop.url)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(address.Host, nil))
}

func (shop *Shop) discovery(answer http.ResponseWriter, _ *http.Request) {
	write(answer, map[string]any{"issuer": shop.url, "jwks_uri": shop.url + "/keys"})
}

func (shop *Shop) keys(answer http.ResponseWriter, _ *http.Request) {
	public, err := shop.key.PublicKey.ECDH()
	if err != nil {
		http.Error(answer, err.Error(), http.StatusInternalServerError)
		return
	}
	point := public.Bytes() // 4, x, y
	write(answer, map[string]any{"keys": []map[string]string{{
		"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": shop.keyID,
		"x": encode(point[1:33]), "y": encode(point[33:]),
	}}})
}

// A real shop takes the user from the session of its page. "sub" must never be given to another user.
func (shop *Shop) token(answer http.ResponseWriter, request *http.Request) {
	now := time.Now()
	header, _ := json.Marshal(map[string]string{"alg": "ES256", "typ": "JWT", "kid": shop.keyID})
	claims, _ := json.Marshal(map[string]any{
		"iss": shop.url, "aud": "uploads", "sub": request.FormValue("user"),
		"iat": now.Unix(), "exp": now.Add(tokenLifetime).Unix(),
	})
	content := encode(header) + "." + encode(claims)
	digest := sha256.Sum256([]byte(content))
	r, s, err := ecdsa.Sign(rand.Reader, shop.key, digest[:])
	if err != nil {
		http.Error(answer, err.Error(), http.StatusInternalServerError)
		return
	}
	signature := make([]byte, 64) // RFC 7518, section 3.4: r and s, not ASN.1.
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	write(answer, map[string]string{"token": content + "." + encode(signature)})
}

func (shop *Shop) hook(answer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(answer, request.Body, maxMessage))
	if err != nil || !verified(shop.secret, request.Header, body) {
		answer.WriteHeader(http.StatusUnauthorized)
		return
	}
	var message Message
	if err := json.Unmarshal(body, &message); err != nil {
		answer.WriteHeader(http.StatusBadRequest)
		return
	}
	shop.keep(request.Header.Get("webhook-id"), message)
	answer.WriteHeader(http.StatusNoContent) // Also for types that it does not know.
}

// A message may come twice; one that an administrator delivers again may come after later ones of its upload.
func (shop *Shop) keep(id string, message Message) {
	shop.lock.Lock()
	defer shop.lock.Unlock()
	known := shop.files[message.Data.Upload.ID]
	if shop.seen[id] || !strings.HasPrefix(message.Type, "upload.") || message.At.Before(known.At) {
		return
	}
	shop.seen[id] = true
	shop.files[message.Data.Upload.ID] = message
	log.Printf("%s: %s", message.Type, message.Data.Upload.Key)
}

func (shop *Shop) list(answer http.ResponseWriter, _ *http.Request) {
	shop.lock.Lock()
	defer shop.lock.Unlock()
	found := map[string]any{}
	for id, last := range shop.files {
		owner := ""
		if last.Data.Owner != nil {
			owner = last.Data.Owner.Subject
		}
		found[id] = map[string]string{"type": last.Type, "key": last.Data.Upload.Key, "owner": owner}
	}
	write(answer, found)
}

// verified says whether a message is from the site, and not older than five minutes: Standard Webhooks 1.0.0.
func verified(secret string, headers http.Header, body []byte) bool {
	id, timestamp := headers.Get("webhook-id"), headers.Get("webhook-timestamp")
	sent, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || time.Since(time.Unix(sent, 0)).Abs() > tolerance {
		return false
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) < 24 {
		return false
	}
	code := hmac.New(sha256.New, key)
	code.Write([]byte(id + "." + timestamp + "."))
	code.Write(body)
	expected := []byte("v1," + base64.StdEncoding.EncodeToString(code.Sum(nil)))
	for _, given := range strings.Fields(headers.Get("webhook-signature")) {
		if hmac.Equal([]byte(given), expected) {
			return true
		}
	}
	return false
}

func encode(content []byte) string { return base64.RawURLEncoding.EncodeToString(content) }

func write(answer http.ResponseWriter, value any) {
	answer.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(answer).Encode(value)
}
