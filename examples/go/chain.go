package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
)

// history is what GET /v1/apps/{app}/keys/history says.
type history struct {
	First  int64  `json:"first"`
	Before string `json:"before"`
	Leaves string `json:"leaves"`
}

// leafOf is section 7: the digest of a key's entry.
func leafOf(k key) [32]byte {
	return sha256.Sum256(fmt.Appendf(nil, "DIT/1 key entry %s %s %d %d %d %s %d %d %d", app, k.Region, k.Epoch,
		k.Generation, k.TokenType, k.TokenKey, k.NotBefore, k.IssueUntil, k.RedeemUntil))
}

// checkChain is section 7: every key of the region that answered is in the chain of its history, which holds the pin, if
// there is one. This client remembers nothing; one that does compares with the newest link that it saw before.
func checkChain(endpoint string, d directory, pin string) {
	res, err := http.Get(endpoint + "/v1/apps/" + app + "/keys/history")
	check(err)
	defer res.Body.Close()
	var h history
	check(json.NewDecoder(io.LimitReader(res.Body, 1<<18)).Decode(&h))
	link, err := b64.DecodeString(h.Before)
	check(err)
	leaves, err := b64.DecodeString(h.Leaves)
	check(err)
	links, pinned := map[string]int64{}, pin == "" || pin == h.Before
	for number := h.First; len(leaves) >= 32; number++ {
		for _, k := range d.TokenKeys {
			if leaf := leafOf(k); k.Number == number && k.Region == d.Region && !bytes.Equal(leaf[:], leaves[:32]) {
				log.Fatalf("key %d/%d is not the one of the chain", k.Epoch, k.Generation)
			}
		}
		next := sha256.Sum256(bytes.Join([][]byte{[]byte("DIT/1 key chain\x00"), link, leaves[:32]}, nil))
		link, leaves = next[:], leaves[32:]
		links[b64.EncodeToString(link)] = number
		pinned = pinned || pin == b64.EncodeToString(link)
	}
	for _, k := range d.TokenKeys {
		if number, known := links[k.Chain]; k.Region == d.Region && (!known || number != k.Number) {
			log.Fatalf("key %d/%d is not in the chain", k.Epoch, k.Generation)
		}
	}
	if !pinned {
		log.Fatal("the chain of keys does not hold the pin")
	}
}
