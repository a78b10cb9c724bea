package qcow2

import "testing"

// Names on Windows: drives, roots of drives, both separators.
func TestResolveReferenceOnWindows(t *testing.T) {
	const from = `D:\vm\o.qcow2`
	for name, want := range map[string]string{
		`base`:           `D:\vm\base`,
		`sub\base`:       `D:\vm\sub\base`,
		`sub/base`:       `D:\vm\sub\base`,
		`..\base`:        `D:\base`,
		`\other\base`:    `D:\other\base`,
		`/other/base`:    `D:\other\base`,
		`C:\base`:        `C:\base`,
		`C:/sub/../base`: `C:\base`,
		`\\host\x\base`:  `\\host\x\base`,
		`C:base`:         "",
		`base\`:          "",
		`nbd:host`:       "",
		`file:base`:      "",
	} {
		if got, ok := resolveReference(from, name); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", name, got, ok)
		}
	}
}
