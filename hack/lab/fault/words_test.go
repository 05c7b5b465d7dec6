package fault

import (
	"slices"
	"testing"
)

func TestWords(t *testing.T) {
	variables := map[string]string{"PID": "42"}
	for line, want := range map[string][]string{
		"kubectl get  pods":                     {"kubectl", "get", "pods"},
		`! probe '^a b$' cat x`:                 {"!", "probe", "^a b$", "cat", "x"},
		`-o 'jsonpath={.a[?(@.b=="c")].d}'`:     {"-o", `jsonpath={.a[?(@.b=="c")].d}`},
		`cat /proc/$PID/cmdline ${PID}s`:        {"cat", "/proc/42/cmdline", "42s"},
		`'$PID' 'Don''t' '' a'b c'd`:            {"$PID", "Don't", "", "ab cd"},
		`'{"data":{"ipv6-mcast-device":null}}'`: {`{"data":{"ipv6-mcast-device":null}}`},
	} {
		got, err := words(line, variables)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", line, got, err, want)
		}
	}
	for _, line := range []string{"a 'b", "'a''", "$HOME"} {
		if got, err := words(line, variables); err == nil {
			t.Errorf("%s is taken for %q", line, got)
		}
	}
}

func TestArchive(t *testing.T) {
	above, files, err := archive("one\n\ntwo\n-- a.yaml --\nkind: A\n---\n-- not a marker\n-- b.yaml --\n")
	if err != nil || above != "one\n\ntwo\n" || len(files) != 2 || files["a.yaml"] != "kind: A\n---\n-- not a marker\n" || files["b.yaml"] != "" {
		t.Errorf("%q, %q, %v", above, files, err)
	}
	for _, text := range []string{"-- ../a --\n", "-- a/b --\n", "-- a --\n-- a --\n"} {
		if _, files, err := archive(text); err == nil {
			t.Errorf("%q is taken for %q", text, files)
		}
	}
}
