package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/mend"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/snapshot"
)

// mendable is the steps for the rich report: of the first an API server was asked, of
// the others not.
func mendable(t *testing.T) *MendReport {
	t.Helper()
	r := rich(t)
	steps := mend.Plan(richResults(), &snapshot.Snapshot{})
	trials := make([]mend.Trial, len(steps))
	for i, s := range steps {
		_, why := s.Triable()
		trials[i] = mend.Trial{Outcome: mend.NotTried, Detail: why}
		if why == "" {
			trials[i] = mend.Trial{Outcome: mend.Accepted, Undo: []string{"kubectl delete \x1b[2J" + fmt.Sprint(i)}}
		}
	}
	r.Source.Type, r.Source.Server = "cluster", "https://192.0.2.1:6443"
	return BuildMend(r, steps, trials)
}

func TestMendText(t *testing.T) {
	golden, err := filepath.Abs("testdata") // the report is made in another folder
	if err != nil {
		t.Fatal(err)
	}
	for name, style := range map[string]Style{"mend-80": {Width: 80}, "mend-160": {Width: 160}} {
		var got bytes.Buffer
		if err := mendable(t).Write(&got, Table, style); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(golden, name+".golden")
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s is not what it was:\n%s", name, got.String())
		}
		if strings.Contains(got.String(), "\x1b") {
			t.Error("text of the cluster reaches the terminal as it is")
		}
	}
}

// TestMendTextIsPasted: every line of every command begins at the margin and is whole.
func TestMendTextIsPasted(t *testing.T) {
	m := mendable(t)
	var got bytes.Buffer
	if err := m.Write(&got, Table, Style{Width: 40}); err != nil {
		t.Fatal(err)
	}
	for _, s := range m.Steps {
		if s.Command && !strings.Contains(got.String(), "\n"+EscapeText(s.Text)+"\n") {
			t.Errorf("cannot be pasted:\n%s", s.Text)
		}
	}
}

func TestMendSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../docs/schema/mendreport.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := mendable(t).Write(&text, JSON, Style{}); err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(decode(t, text.String())); err != nil {
		t.Error(err)
	}
	for field := range decode(t, text.String()).(map[string]any) {
		without := decode(t, text.String()).(map[string]any)
		delete(without, field)
		if schema.Validate(without) == nil {
			t.Errorf("the schema takes a report without %s", field)
		}
	}
	var again MendReport
	if err := json.Unmarshal(text.Bytes(), &again); err != nil || len(again.Steps) != len(mendable(t).Steps) {
		t.Errorf("is not read back: %v", err)
	}
}
