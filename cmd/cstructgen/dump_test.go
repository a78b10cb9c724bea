package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

const rows = `/* A row. */
struct row {
    unsigned short id;   /* 0: free */
    unsigned char kind;  /* KIND_A or KIND_B */
    unsigned char len;
};
#define KIND_A 1
#define KIND_B 2
`

func TestDump(t *testing.T) {
	inDir(t, map[string]string{
		"row.h": rows,
		"data":  "head" + "\x00\x01\x02\x03" + "\x01\x00\x01\xff" + "\x00",
	})
	const (
		first = "00000004  00 01                    id    1          // 0: free\n" +
			"00000006  02                       kind  2  KIND_B  // KIND_A or KIND_B\n" +
			"00000007  03                       len   3\n"
		second = "00000008  01 00                    id    256 (0x100)  // 0: free\n" +
			"0000000a  01                       kind  1  KIND_A    // KIND_A or KIND_B\n" +
			"0000000b  ff                       len   255 (0xff)\n"
	)
	_, nowhere := os.Open("nowhere") // in the system's words
	for _, c := range []struct {
		name, args string
		want       result
	}{
		{"one", "--offset 4 row.h data", result{0, "struct row: 4 bytes at offset 4 (0x4) of data, big-endian\n" + first, ""}},
		{"the type by its C name", "--type struct+row --offset 0x4 row.h data", result{
			0, "struct row: 4 bytes at offset 4 (0x4) of data, big-endian\n" + first, "",
		}},
		{"several", "--offset 4 --count 2 row.h data", result{
			0, "struct row 1 of 2: 4 bytes at offset 4 (0x4) of data, big-endian\n" + first +
				"\nstruct row 2 of 2: 4 bytes at offset 8 (0x8) of data, big-endian\n" + second, "",
		}},
		{"short data", "--offset 12 row.h data", result{
			1, "struct row: 4 bytes at offset 12 (0xc) of data, big-endian\n" +
				"0000000c  00                       id  data ends: 1 of 2 bytes  // 0: free\n",
			"cstructgen: data: struct row at offset 12 has 4 bytes, and the data ends after 1 of them: unexpected EOF\n",
		}},
		{"beyond the data", "--offset 1G row.h data", result{
			1, "struct row: 4 bytes at offset 1073741824 (0x40000000) of data, big-endian\n" +
				"40000000                           id  data ends: 0 of 2 bytes  // 0: free\n",
			"cstructgen: data: struct row at offset 1073741824 has 4 bytes, and the data ends after 0 of them: unexpected EOF\n",
		}},
		{"no such type", "--type col row.h data", result{
			1, "", "cstructgen: no type \"col\" is declared; there are row\n",
		}},
		{"no such data", "row.h nowhere", result{1, "", "cstructgen: " + nowhere.Error() + "\n"}},
	} {
		args := []string{"dump", "--endian", "big", "--type", "row"}
		for _, a := range strings.Fields(c.args) {
			args = append(args, strings.ReplaceAll(a, "+", " "))
		}
		if got := call(args...); got != c.want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

// Data from a pipe is read from its start, and no further than asked.
func TestDumpStdin(t *testing.T) {
	inDir(t, map[string]string{"row.h": rows})
	stdin := strings.NewReader("headabcdrest")
	cmd := newCommand()
	var out bytes.Buffer
	cmd.SetArgs([]string{"dump", "--type", "row", "--offset", "4", "--json", "row.h", "-"})
	cmd.SetIn(stdin)
	cmd.SetOut(&out)
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	var got []struct {
		Offset int
		Fields []struct {
			Path  string
			Bytes string
			Value int
		}
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
	if len(got) != 1 || got[0].Offset != 4 || got[0].Fields[2].Path != "len" || got[0].Fields[2].Value != 'd' {
		t.Errorf("%+v", got)
	}
	if stdin.Len() != len("rest") {
		t.Errorf("%d bytes are left unread", stdin.Len())
	}
}

// What is printed for short data is JSON as well.
func TestDumpJSONOfShortData(t *testing.T) {
	inDir(t, map[string]string{"row.h": rows, "data": "\x01\x02\x03"})
	r := call("dump", "--type", "row", "--json", "--count", "2", "row.h", "data")
	const want = `[{"type":"struct row","offset":0,"size":4,"complete":false,"fields":[
{"path":"id","type":"unsigned short","offset":0,"size":2,"bytes":"0102","value":513,"doc":"0: free"},
{"path":"kind","type":"unsigned char","offset":2,"size":1,"bytes":"03","value":3,"doc":"KIND_A or KIND_B"}]}]
`
	if r.code != 1 || r.stdout != want || !strings.Contains(r.stderr, "unexpected EOF") {
		t.Errorf("%+v", r)
	}
}

// Dump opens its data for reading alone.
func TestDumpOfReadOnlyData(t *testing.T) {
	inDir(t, map[string]string{"row.h": rows, "data": "\x01\x02\x03\x04"})
	if err := os.Chmod("data", 0o400); err != nil {
		t.Fatal(err)
	}
	if r := call("dump", "--type", "row", "row.h", "data"); r.code != 0 {
		t.Errorf("%+v", r)
	}
}

// Of huge data a part is read: what fits into it is shown, and what does not is
// refused, not shown in part as if it were all.
func TestDumpOfHugeData(t *testing.T) {
	inDir(t, map[string]string{
		"s.h":  "struct text { uint8 n; char x[n]; }; struct rest { uint8 n; text x[EOF]; }; struct words { uint8 n; uint16 x[]; };",
		"data": "\x02ab\x01c\xff",
	})
	if err := os.Truncate("data", maxDump+2); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, stdout, stderr string }{
		{"text", "text: 3 bytes at offset 0 (0x0) of data", ""},
		{"text --count 2", "text 2 of 2: 2 bytes at offset 3 (0x3) of data", ""},
		{"rest", "", "struct rest goes on to the end of the data, which is more than 33554432 bytes from offset 0"},
		{"rest --offset 33554400", "34 bytes at offset 33554400", ""},
		{"words --offset 33554432", "the data ends in it", "the data ends after 2 bytes of it: unexpected EOF"},
		{"text --offset 4611686018427387904", "at offset 4611686018427387904", "unexpected EOF"},
		{"text --offset 4611686018427387905", "", "--offset \"4611686018427387905\": want a number of bytes"},
	} {
		args := append([]string{"dump", "--dialect", "dissect", "s.h", "data", "--type"}, strings.Fields(c.args)...)
		r := call(args...)
		if !strings.Contains(r.stdout, c.stdout) || !strings.Contains(r.stderr, c.stderr) || (r.code == 0) != (c.stderr == "") {
			t.Errorf("%s: %d, %.300q, %.300q", c.args, r.code, r.stdout, r.stderr)
		}
	}
}

// Colours come on demand; they change nothing else.
func TestDumpColors(t *testing.T) {
	inDir(t, map[string]string{"row.h": rows, "data": "\x01\x02\x01\x04"})
	plain := call("dump", "--type", "row", "row.h", "data")
	colored := call("dump", "--type", "row", "--color", "always", "row.h", "data")
	if !strings.Contains(colored.stdout, "\x1b[32mKIND_A\x1b[0m") {
		t.Errorf("no colour: %q", colored.stdout)
	}
	text := colored.stdout
	for _, esc := range []string{"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[36m"} {
		text = strings.ReplaceAll(text, esc, "")
	}
	if text != plain.stdout {
		t.Errorf("got\n%q\nwant\n%q", text, plain.stdout)
	}
}
