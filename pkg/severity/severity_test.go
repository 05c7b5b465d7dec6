package severity

import (
	"encoding/json"
	"testing"
)

func TestSeverity(t *testing.T) {
	last := Severity(255)
	for _, s := range All {
		if s >= last {
			t.Errorf("All: %s does not stand behind a worse one", s)
		}
		last = s
		parsed, err := Parse(s.String())
		if err != nil || parsed != s {
			t.Errorf("Parse(%q) = %s, %v", s, parsed, err)
		}
		data, err := json.Marshal(s)
		var back Severity
		if err != nil || json.Unmarshal(data, &back) != nil || back != s {
			t.Errorf("%s became %s in JSON and %s after it (%v)", s, data, back, err)
		}
	}
	for _, text := range []string{"", "fatal", "Error", "none"} {
		if s, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %s, want an error", text, s)
		}
	}
	var none Severity
	if err := json.Unmarshal([]byte(`"none"`), &none); err != nil || none != 0 || none.String() != "none" {
		t.Errorf("«none» is %s (%v)", none, err)
	}
}
