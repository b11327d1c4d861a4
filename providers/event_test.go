package providers_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/towpath-dev/towpath/providers"
)

func TestVerifyHMAC(t *testing.T) {
	t.Parallel()
	body := []byte(`{"action":"opened"}`)
	sign := func(secret string) string {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		return hex.EncodeToString(mac.Sum(nil))
	}
	old, now := []byte("the old one"), []byte("the new one")
	for name, test := range map[string]struct {
		signature string
		secrets   [][]byte
		want      bool
	}{
		"right":               {sign("the new one"), [][]byte{now}, true},
		"in capitals":         {strings.ToUpper(sign("the new one")), [][]byte{now}, true},
		"first of two":        {sign("the old one"), [][]byte{old, now}, true},
		"second of two":       {sign("the new one"), [][]byte{old, now}, true},
		"another secret":      {sign("a third one"), [][]byte{old, now}, false},
		"no secret":           {sign(""), nil, false},
		"an empty secret":     {sign(""), [][]byte{{}}, false},
		"empty and right":     {sign("the new one"), [][]byte{{}, now}, true},
		"no signature":        {"", [][]byte{now}, false},
		"cut":                 {sign("the new one")[:62], [][]byte{now}, false},
		"not hexadecimal":     {strings.Repeat("zz", 32), [][]byte{now}, false},
		"something behind it": {sign("the new one") + "00", [][]byte{now}, false},
	} {
		if got := providers.VerifyHMAC(test.signature, body, test.secrets); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
