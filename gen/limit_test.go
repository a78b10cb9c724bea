package gen

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Go looks up a field by going through all of its struct's, so that the time
// for a struct of n members grows with the square of n: there is an end to it.
func TestManyMembers(t *testing.T) {
	for _, member := range []string{"int f%d; ", "unsigned f%d : 1; ", "struct { int f%d; }; "} {
		var text strings.Builder
		for i := range maxMembers + 1 {
			fmt.Fprintf(&text, member, i)
		}
		start := time.Now()
		_, err := generate("struct wide { "+text.String()+"};", Little)
		var refused *UnsupportedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "members, more than 8192") {
			t.Errorf("%q: %.200v", member, err)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%q: %v", member, took)
		}
	}
}
