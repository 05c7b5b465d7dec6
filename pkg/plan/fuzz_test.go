package plan

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"
)

// Whatever the file is, there is a plan or a problem and never both, and all that
// can be asked of a plan has an answer.
func FuzzParse(f *testing.F) {
	paths, err := filepath.Glob("testdata/validate/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Data)
	}
	data, err := os.ReadFile("testdata/homelab.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, problems := Parse("plan.yaml", data)
		if (p == nil) == (len(problems) == 0) {
			t.Fatalf("a plan: %t, %d problems", p != nil, len(problems))
		}
		for _, problem := range problems {
			if problem.At.Line < 1 || problem.Message == "" {
				t.Errorf("%+v has no place or no message", problem)
			}
		}
		if p == nil {
			return
		}
		for _, problem := range p.Validate() {
			if problem.At.Line < 1 || problem.Field == "" || problem.Message == "" || problem.Rule == "" {
				t.Errorf("%+v lacks a part", problem)
			}
		}
		for _, r := range p.Ranges() {
			if Count(r.Addrs) == 0 || !r.Family().Valid() {
				t.Errorf("%s is no range", r)
			}
		}
		p.Capacity()
	})
}

// What is read is written in a form that is read as the same.
func FuzzParseAddrs(f *testing.F) {
	for _, s := range []string{
		"10.0.0.0/8", "10.0.0.9/8", "10.0.0.1-10.0.0.9", "10.0.0.1 - 10.0.0.9", "::ffff:10.0.0.0/104", "2001:db8::-2001:db8::f",
		"2001:db8:7653:216:ffff:fac:ade::/112", "::/0", "0.0.0.0/0", "10.0.0.0-10.255.255.255", "fe80::1%eth0-fe80::2", "-", "/", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, _, err := ParseAddrs(s)
		if err != nil {
			if r.IsValid() {
				t.Errorf("%q: %v, and the range %s", s, err, r)
			}
			return
		}
		text := FormatAddrs(r)
		again, masked, err := ParseAddrs(text)
		if err != nil || again != r || masked {
			t.Errorf("%q is read as %s, and that as %s (host bits %t): %v", s, text, again, masked, err)
		}
		if Count(r) == 0 || !Within(r, r) || Intersect(r, r) != r {
			t.Errorf("%q: %s is not itself", s, r)
		}
	})
}
