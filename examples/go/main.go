// A DIT/1 client in Go, written from docs/protocol.md: it signs in, gets a batch of tokens, verifies the proof, and sends
// logs that carry a token and a MAC. Run it beside `deno task dev`:
//
//	go run . http://localhost:8000
//
// A second argument is a pin: a link of the chain of keys, as `deno task keys publish` prints it.
package main

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/oprf"
	"github.com/cloudflare/circl/zk/dleq"
)

const (
	app       = "demo"
	batchType = "application/private-token-amortized-batch-request"
	logsPath  = "/v1/apps/" + app + "/logs"
)

var b64 = base64.RawURLEncoding.Strict()

// maxOffset is how far a client believes the service's clock to be from its own (section 7).
const maxOffset = time.Hour

// maxGeneration is how often a client lets an epoch's key be replaced (section 7).
const maxGeneration = 2

// key is one entry of the directory.
type key struct {
	TokenType   uint16 `json:"token-type"`
	TokenKey    string `json:"token-key"`
	TokenKeyID  string `json:"token-key-id"`
	Region      string `json:"region"`
	Epoch       int64  `json:"epoch"`
	Generation  int64  `json:"generation"`
	NotBefore   int64  `json:"not-before"`
	IssueUntil  int64  `json:"issue-until"`
	RedeemUntil int64  `json:"redeem-until"`
	Number      int64  `json:"chain-number"`
	Chain       string `json:"chain"`
}

// directory is what GET /v1/apps/{app}/keys says.
type directory struct {
	Issuer          string `json:"issuer"`
	App             string `json:"app"`
	Region          string `json:"region"`
	IssuingEndpoint string `json:"issuing-endpoint"`
	LoggingEndpoint string `json:"logging-endpoint"`
	EpochSeconds    int64  `json:"epoch-seconds"`
	TokenKeys       []key  `json:"token-keys"`
}

// schema is what GET /v1/apps/{app}/schema says, as far as this client goes by it.
type schema struct {
	App         string `json:"app"`
	Rotation    *int64 `json:"pseudonym-seconds"`
	Granularity int64  `json:"granularity-seconds"`
	Events      []struct {
		Name   string  `json:"name"`
		State  string  `json:"state"`
		Sample float64 `json:"sample"`
	} `json:"events"`
}

// What a schema may choose from, section 10: of other values each client could be given its own.
var (
	granularities = []int64{60, 300, 900, 3600, 21600, 86400}
	sampleRates   = []float64{1, 0.5, 0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.0025, 0.001}
)

// token is a nonce with its authenticator, which never leaves the client, and what binds the nonce to a pseudonym.
type token struct {
	keyID, nonce, binding, authenticator []byte
}

func lp(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// stay is section 6: a redirect is an answer like any other, and never followed, for it would carry a session, a log or
// their time to a place that nothing has checked.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// issuer asks for keys and tokens.
var issuer = &http.Client{CheckRedirect: stay}

// anonymous is a client whose connections have carried nothing else.
func anonymous() *http.Client {
	return &http.Client{CheckRedirect: stay, Transport: &http.Transport{}}
}

// get gives the body of a public document, of `most` bytes.
func get(url string, most int64) []byte {
	res, err := issuer.Get(url)
	check(err)
	defer res.Body.Close()
	if res.StatusCode != 200 {
		log.Fatalf("%s: %s", url, res.Status)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, most))
	check(err)
	return body
}

func fetchDirectory(endpoint string) (directory, time.Time) {
	res, err := issuer.Get(endpoint + "/v1/apps/" + app + "/keys")
	check(err)
	defer res.Body.Close()
	if res.StatusCode != 200 {
		log.Fatalf("keys: %s", res.Status)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	check(err)
	digest := sha256.Sum256(body)
	if res.Header.Get("ETag") != `"`+b64.EncodeToString(digest[:])+`"` {
		log.Fatal("the directory's ETag is not its digest")
	}
	var d directory
	check(json.Unmarshal(body, &d))
	now := believedTime(res.Header, time.Now())
	if err := checkDirectory(d, now); err != nil {
		log.Fatalf("the directory is not used: %v", err)
	}
	return d, now
}

// checkDirectory is what section 7 has a client take, for one that remembers no keys and has no mirror.
func checkDirectory(d directory, now time.Time) error {
	if d.App != app || d.EpochSeconds < 1 || d.EpochSeconds > 30*86400 {
		return errors.New("malformed: another application's, or without epochs")
	}
	names, ids, regions := map[string]bool{}, map[string]bool{}, map[string]int{}
	for _, k := range d.TokenKeys {
		publicKey, err := b64.DecodeString(k.TokenKey)
		if id := sha256.Sum256(publicKey); err != nil || k.TokenKeyID != b64.EncodeToString(id[:]) {
			return errors.New("malformed: a key whose id is not its hash")
		}
		end := k.NotBefore + d.EpochSeconds
		overlap := k.RedeemUntil - end
		if k.NotBefore != k.Epoch*d.EpochSeconds || k.IssueUntil != end ||
			overlap < 0 || overlap%d.EpochSeconds != 0 || overlap/d.EpochSeconds > 8 {
			return errors.New("malformed: dates that are not the calendar's")
		}
		if distance := k.Epoch - now.Unix()/d.EpochSeconds; distance < -9 || distance > 9 {
			return errors.New("malformed: an epoch that is too far")
		}
		names[fmt.Sprint(k.Region, "/", k.Epoch, "/", k.Generation)], ids[k.TokenKeyID] = true, true
		regions[k.Region]++
		if len(regions) > 16 || regions[k.Region] > 64 {
			return errors.New("too_many_keys")
		}
	}
	if len(names) < len(d.TokenKeys) || len(ids) < len(d.TokenKeys) {
		return errors.New("malformed: a name with two keys, or a key with two names")
	}
	return nil
}

// believedTime is the rule of section 7 on a client's clock, for one that hears a single answer: the service's time, unless
// it is too far from the device's.
func believedTime(header http.Header, device time.Time) time.Time {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return device
	}
	if age, err := strconv.ParseUint(header.Get("Age"), 10, 24); err == nil {
		date = date.Add(time.Duration(age) * time.Second)
	}
	if offset := date.Sub(device); offset.Abs() > maxOffset {
		log.Printf("clock_refused: the service's clock is %v from this one's", offset)
		return device
	}
	return date
}

// follow is the rule of section 7: where the directory leads, if that is the endpoint's own host or the one name below it.
func follow(endpoint, named, label string) string {
	if named == "" {
		return endpoint
	}
	own, err := url.Parse(endpoint)
	check(err)
	if named != own.Scheme+"://"+own.Host && named != own.Scheme+"://"+label+"."+own.Host {
		log.Fatalf("the directory leads to %q", named)
	}
	return named
}

// issuingKey is the highest generation of this region's keys of the epoch that now lies in.
func issuingKey(d directory, now time.Time) key {
	var chosen *key
	for i, k := range d.TokenKeys {
		isOfNow := k.Epoch == now.Unix()/d.EpochSeconds
		if k.TokenType != 5 || k.Region != d.Region || !isOfNow || k.Generation > maxGeneration {
			continue
		}
		if chosen == nil || k.Generation > chosen.Generation {
			chosen = &d.TokenKeys[i]
		}
	}
	if chosen == nil {
		log.Fatal("no key issues now")
	}
	return *chosen
}

// fetchSchema is section 10: the rotation of the pseudonym, if the schema is within bounds and asks for the event. Of its
// fields this client sends what is written below, whatever the schema says.
func fetchSchema(endpoint, event string) int64 {
	res, err := anonymous().Get(endpoint + "/v1/apps/" + app + "/schema")
	check(err)
	defer res.Body.Close()
	var s schema
	check(json.NewDecoder(io.LimitReader(res.Body, 1<<19)).Decode(&s))
	const day = 86400
	if s.App != app || !slices.Contains(granularities, s.Granularity) {
		log.Fatal("the schema is malformed")
	}
	if s.Rotation == nil || *s.Rotation < day || *s.Rotation > 7*day || *s.Rotation%day != 0 {
		log.Fatal("the pseudonym lasts longer than this client was written for")
	}
	for _, e := range s.Events {
		if e.Name == event && e.State == "open" && slices.Contains(sampleRates, e.Sample) {
			return *s.Rotation
		}
	}
	log.Fatalf("the schema does not ask for %s", event)
	return 0
}

func signIn(endpoint, client string) string {
	body, _ := json.Marshal(map[string]string{"client": client})
	res, err := issuer.Post(endpoint+"/dev/session", "application/json", bytes.NewReader(body))
	check(err)
	defer res.Body.Close()
	var session struct{ JWT string }
	check(json.NewDecoder(res.Body).Decode(&session))
	return session.JWT
}

// boundNonce is section 3: a nonce that serves one pseudonym, and the random bytes that show it.
func boundNonce(pseudonym []byte) (nonce, binding []byte) {
	binding = random(32)
	digest := sha256.Sum256(bytes.Join([][]byte{[]byte("DIT/1 nonce\x00"), binding, pseudonym}, nil))
	return digest[:], binding
}

// fetchTokens is section 4: blind, send, verify the proof, unblind.
func fetchTokens(endpoint, jwt string, d directory, k key, pseudonym []byte, count int) []token {
	publicKey, err := b64.DecodeString(k.TokenKey)
	check(err)
	keyID := sha256.Sum256(publicKey)
	context := sha256.Sum256([]byte("DIT/1"))
	challenge := bytes.Join([][]byte{{0, 5}, lp([]byte(d.Issuer)), {32}, context[:], lp([]byte(d.App))}, nil)
	challengeDigest := sha256.Sum256(challenge)

	nonces, bindings, inputs := make([][]byte, count), make([][]byte, count), make([][]byte, count)
	for i := range inputs {
		nonces[i], bindings[i] = boundNonce(pseudonym)
		inputs[i] = bytes.Join([][]byte{{0, 5}, nonces[i], challengeDigest[:], keyID[:]}, nil)
	}
	var pk oprf.PublicKey
	check(pk.UnmarshalBinary(oprf.SuiteRistretto255, publicKey))
	client := oprf.NewVerifiableClient(oprf.SuiteRistretto255, &pk)
	finalizeData, evaluationRequest, err := client.Blind(inputs)
	check(err)

	elements := []byte{}
	for _, e := range evaluationRequest.Elements {
		b, err := e.MarshalBinaryCompress()
		check(err)
		elements = append(elements, b...)
	}
	request := append([]byte{0, 5, keyID[31]}, append(varint(len(elements)), elements...)...)
	req, err := http.NewRequest("POST", endpoint+"/v1/apps/"+app+"/tokens", bytes.NewReader(request))
	check(err)
	req.Header.Set("Content-Type", batchType)
	req.Header.Set("Authorization", "Bearer "+jwt)
	res, err := issuer.Do(req)
	check(err)
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	check(err)
	if res.StatusCode != 200 {
		log.Fatalf("tokens: %s %s", res.Status, body)
	}

	prefix := varint(count * 32)
	if len(body) != len(prefix)+count*32+64 || !bytes.HasPrefix(body, prefix) {
		log.Fatal("the batch response has a wrong length")
	}
	body = body[len(prefix):]
	evaluation := oprf.Evaluation{Proof: new(dleq.Proof)}
	for i := range count {
		e := group.Ristretto255.NewElement()
		check(e.UnmarshalBinary(body[i*32 : i*32+32]))
		evaluation.Elements = append(evaluation.Elements, e)
	}
	check(evaluation.Proof.UnmarshalBinary(group.Ristretto255, body[count*32:]))
	outputs, err := client.Finalize(finalizeData, &evaluation) // fails when the proof does not verify
	check(err)

	tokens := make([]token, count)
	for i := range tokens {
		tokens[i] = token{keyID[:], nonces[i], bindings[i], outputs[i]}
	}
	return tokens
}

func varint(n int) []byte {
	if n < 64 {
		return []byte{byte(n)}
	}
	return []byte{0x40 | byte(n>>8), byte(n)}
}

// signedLog is a final request: once it was sent, only these bytes are.
type signedLog struct {
	token     token
	use       int
	mac, body []byte
}

// signLog is section 5: one use of a token signs one body.
func signLog(t token, use int, events []map[string]any, pseudonym []byte) signedLog {
	body, err := json.Marshal(map[string]any{
		"salt":      b64.EncodeToString(random(16)),
		"pseudonym": b64.EncodeToString(pseudonym),
		"binding":   b64.EncodeToString(t.binding),
		"events":    events,
	})
	check(err)
	macKey, err := hkdf.Key(sha256.New, t.authenticator, nil, "DIT/1 log mac", 32)
	check(err)
	digest := sha256.Sum256(body)
	transcript := bytes.Join([][]byte{
		[]byte("DIT/1\x00"), lp([]byte("POST")), lp([]byte(logsPath)), lp([]byte("application/json")), lp(nil),
		t.keyID, t.nonce, {byte(use >> 8), byte(use)}, digest[:],
	}, nil)
	mac := hmac.New(sha256.New, macKey)
	mac.Write(transcript)
	return signedLog{t, use, mac.Sum(nil), body}
}

// post sends a body and gives the answer. A log that is refused ends this program: a client that goes on keeps to the rule
// of section 6, and sends its events under no other pseudonym and with one token more at most.
func post(endpoint, mediaType, authorization string, body []byte) []byte {
	req, err := http.NewRequest("POST", endpoint+logsPath, bytes.NewReader(body))
	check(err)
	req.Header.Set("Content-Type", mediaType)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := anonymous().Do(req) // a connection that fetched no tokens
	check(err)
	defer res.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if res.StatusCode != 200 {
		log.Fatalf("logs: %s %s", res.Status, answer)
	}
	return answer
}

func sendLog(endpoint string, l signedLog) {
	authorization := fmt.Sprintf("DIT key=%s, nonce=%s, use=%d, mac=%s",
		b64.EncodeToString(l.token.keyID), b64.EncodeToString(l.token.nonce), l.use, b64.EncodeToString(l.mac))
	fmt.Printf("use %d: %s\n", l.use, post(endpoint, "application/json", authorization, l.body))
}

// sendBatch is section 5, several logs in one request: of one token, or of nobody who could be told apart.
func sendBatch(endpoint string, logs []signedLog) {
	batch := []byte{}
	for _, l := range logs {
		batch = bytes.Join([][]byte{
			batch, l.token.keyID, l.token.nonce, {byte(l.use >> 8), byte(l.use)}, l.mac, {0}, uint24(len(l.body)), l.body,
		}, nil)
	}
	answer := post(endpoint, "application/vnd.dit.logs", "", append(uint24(len(batch)), batch...))
	var outcomes struct {
		Outcomes []struct {
			Status   int
			Code     string
			Replayed bool
		}
	}
	check(json.Unmarshal(answer, &outcomes))
	if len(outcomes.Outcomes) != len(logs) {
		log.Fatalf("logs: %d outcomes for %d logs", len(outcomes.Outcomes), len(logs))
	}
	for i, o := range outcomes.Outcomes {
		fmt.Printf("use %d, in one request: %d %s replayed=%t\n", logs[i].use, o.Status, o.Code, o.Replayed)
		if o.Status != 200 {
			os.Exit(1)
		}
	}
}

func uint24(n int) []byte { return []byte{byte(n >> 16), byte(n >> 8), byte(n)} }

func main() {
	endpoint := "http://localhost:8000"
	if len(os.Args) > 1 {
		endpoint = os.Args[1]
	}
	d, now := fetchDirectory(endpoint)
	pin := ""
	if len(os.Args) > 2 {
		pin = os.Args[2]
	}
	checkChain(endpoint, d, pin)
	fmt.Printf("%d keys, all of one chain\n", len(d.TokenKeys))
	issuing, logging := follow(endpoint, d.IssuingEndpoint, "tokens"), follow(endpoint, d.LoggingEndpoint, "logs")
	k := issuingKey(d, now)

	// Section 9: the pseudonym of the period in which the key's epoch begins. All tokens of a key serve that one.
	deviceSecret, rotation := random(32), fetchSchema(logging, "client_start")
	mac := hmac.New(sha256.New, deviceSecret)
	mac.Write([]byte("DIT/1 pseudonym\x00"))
	mac.Write(lp([]byte(app)))
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(rotation)))
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(k.NotBefore/rotation)))
	pseudonym := mac.Sum(nil)[:16]

	session := signIn(endpoint, "go-"+b64.EncodeToString(random(6)))
	tokens := fetchTokens(issuing, session, d, k, pseudonym, 2)
	fmt.Printf("%d tokens, their proof verified\n", len(tokens))

	event := map[string]any{"name": "client_start", "fields": map[string]any{"platform": "linux", "runtime": "2.9"}}
	logs := []signedLog{}
	for use := range 4 {
		logs = append(logs, signLog(tokens[0], use, []map[string]any{event}, pseudonym))
	}
	sendLog(logging, logs[0])
	// The first one again, with the others: it is answered as a replay.
	sendBatch(logging, logs)
}
