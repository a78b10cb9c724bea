package qcow2

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
)

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

// What Windows takes for more than the name of a file is not opened under an
// allowed directory, and nothing is asked of other machines: a name from an
// image must not make this one log in there.
func TestGateOnWindows(t *testing.T) {
	dir := tree(t, "vm/base", "vm/sub/base", "outside")
	in := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	g := gateTo(t, false, in("vm"))
	volume := filepath.VolumeName(dir)
	afterVolume := strings.TrimPrefix(in("vm/base"), volume)
	for name, want := range map[string]string{
		`sub\base`:                      "vm/sub/base",
		`sub\../base`:                   "vm/base",
		`BASE`:                          "vm/base", // letters' case is nothing to a name
		`..\VM\base`:                    "vm/base",
		strings.ToUpper(in("vm/base")):  "vm/base",
		strings.ToLower(in("vm/base")):  "vm/base",
		filepath.ToSlash(in("vm/base")): "vm/base",
		afterVolume:                     "vm/base", // on the image's drive

		`..\outside`:                      "",
		`sub/..\..\outside`:               "",
		volume + `base`:                   "", // where that drive's current directory is
		volume + `..\outside`:             "",
		`base:stream`:                     "",
		`.\base:stream`:                   "",
		`sub\base::$DATA`:                 "",
		`sub:$I30:$INDEX_ALLOCATION\base`: "",
		in("vm/base") + `::$DATA`:         "",
		`CON`:                             "",
		`.\nul`:                           "",
		`sub\COM1`:                        "",
		`sub\LPT1.raw`:                    "",
		`CONIN$`:                          "",
		`\\.\` + in("vm/base"):            "",
		`\\?\` + in("vm/base"):            "",
		`\??\` + in("vm/base"):            "",
		`\\?\GLOBALROOT\Device\Null`:      "",
		`\\.\PhysicalDrive0`:              "",
		`\\.\pipe\base`:                   "",
		`\\localhost\vm\base`:             "",
		`//localhost/vm/base`:             "",
		`sub\base\`:                       "",
		`base/.`:                          "vm/base", // as text
		`ba?e`:                            "",
		`bas*`:                            "",
	} {
		f, _, err := g.open(in("vm/o"), name)
		if want == "" {
			if f != nil || err != errGate {
				t.Errorf("%q: %v, want %v", name, err, errGate)
				f.Close()
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		got, err := io.ReadAll(f)
		f.Close()
		if err != nil || string(got) != want {
			t.Errorf("%q: read %q, want %q (%v)", name, got, want, err)
		}
	}
	// The system drops dots and blanks at the end of a name: whether it does or
	// not, what opens is inside.
	for _, name := range []string{`base.`, `base `, `base. .`, `sub.\base`, `sub \base`, `...\outside`, `.. \outside`} {
		f, _, err := g.open(in("vm/o"), name)
		if err != nil {
			continue
		}
		got, err := io.ReadAll(f)
		f.Close()
		if err != nil || !strings.HasPrefix(string(got), "vm/") {
			t.Errorf("%q: read %q (%v)", name, got, err)
		}
	}
}
