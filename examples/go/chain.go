package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log"
	"slices"
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
// there is one, or goes on from it. Without a pin, keys without a link are taken: those of a service of before 0.2.0.
// This client remembers nothing; one that does compares with the newest link that it saw before.
func checkChain(endpoint string, d directory, pin string) {
	var linked []key
	for _, k := range d.TokenKeys {
		if k.Region != d.Region {
			continue
		}
		if k.Chain != "" {
			linked = append(linked, k)
		} else if pin != "" {
			log.Fatalf("key %d/%d has no link", k.Epoch, k.Generation)
		}
	}
	if len(linked) == 0 && pin == "" {
		return
	}
	slices.SortFunc(linked, func(a, b key) int { return cmp.Compare(a.Number, b.Number) })
	var h history
	check(json.Unmarshal(get(endpoint+"/v1/apps/"+app+"/keys/history", 1<<18), &h))
	link, err := b64.DecodeString(h.Before)
	check(err)
	leaves, err := b64.DecodeString(h.Leaves)
	check(err)
	pinned := pin == "" || pin == h.Before
	number := h.First
	for len(linked) > 0 || len(leaves) >= 32 {
		var leaf [32]byte
		if len(leaves) >= 32 {
			leaf, leaves = [32]byte(leaves[:32]), leaves[32:]
		} else { // the history may be a few minutes older than the directory: the key after its last one goes on from it
			leaf = leafOf(linked[0])
		}
		next := sha256.Sum256(bytes.Join([][]byte{[]byte("DIT/1 key chain\x00"), link, leaf[:]}, nil))
		link = next[:]
		pinned = pinned || pin == b64.EncodeToString(link)
		if len(linked) > 0 && linked[0].Number <= number {
			k := linked[0]
			if k.Number != number || leafOf(k) != leaf || k.Chain != b64.EncodeToString(link) {
				log.Fatalf("key %d/%d is not the one of the chain", k.Epoch, k.Generation)
			}
			linked = linked[1:]
		} else if len(linked) > 0 && len(leaves) == 0 && linked[0].Number > number+1 {
			log.Fatalf("key %d/%d is not in the chain", linked[0].Epoch, linked[0].Generation)
		}
		number++
	}
	if !pinned {
		log.Fatal("the chain of keys does not hold the pin")
	}
}
