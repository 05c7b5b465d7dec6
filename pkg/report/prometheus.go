package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/checks"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/ipfam"
	"github.com/kubectl-dualstack/kubectl-dualstack/pkg/severity"
)

// metric is a family of the text exposition format, version 0.0.4: what it is, and
// its samples.
type metric struct {
	name, help string
	samples    []sample
}

// sample is one line: names and values of labels in turn, and a number.
type sample struct {
	labels []string
	value  int64
}

func (m *metric) add(value int64, labels ...string) {
	m.samples = append(m.samples, sample{labels, value})
}

// writePrometheus prints gauges for a Prometheus server, by way of a file that a
// node_exporter reads (its textfile collector takes no timestamps) or of a gateway.
// Labels are of checks, severities and families and never of objects: how many
// series there are does not grow with the cluster.
func (r *Report) writePrometheus(w io.Writer) error {
	var out bytes.Buffer
	for _, m := range r.metrics() {
		m.write(&out)
	}
	_, err := w.Write(out.Bytes())
	return err
}

func (r *Report) metrics() []metric {
	s := r.Source
	info := metric{name: "dualstack_info", help: "What was audited, and by which version of the tool. Always 1."}
	info.add(1, "version", r.tool, "type", s.Type, "source", s.Name, "depth", s.Depth)
	components := metric{name: "dualstack_component_info", help: "The release by whose rules a component was judged; assumed where it is not known. Always 1."}
	for _, v := range s.Versions {
		components.add(1, "component", v.Component, "version", v.Version.String(), "assumed", fmt.Sprint(v.Assumed))
	}
	at := metric{name: "dualstack_report_timestamp_seconds", help: "When what was audited was read, in seconds since 1970."}
	at.add(s.ReadAt.Unix())
	problems := metric{name: "dualstack_input_problems", help: "Documents and values that were not understood."}
	problems.add(int64(len(s.Problems)))
	return []metric{r.findingCounts(), r.acceptedCounts(), r.checkCounts(), info, components, problems, at}
}

// findingCounts has a sample for each check, severity and family with a finding.
// acceptedCounts is what does not count.
func (r *Report) acceptedCounts() metric {
	m := metric{name: "dualstack_findings_accepted", help: "Findings that do not count: suppressed, or known from the baseline."}
	for _, section := range []string{"known", "suppressed"} {
		n := int64(0)
		for _, result := range r.Results {
			for _, f := range result.Findings {
				if state, _ := f.acceptance(); state == section {
					n++
				}
			}
		}
		m.add(n, "state", section)
	}
	return m
}

func (r *Report) findingCounts() metric {
	m := metric{name: "dualstack_findings", help: "Findings of the last audit that count. The family is that which suffers, empty for both or neither."}
	for _, result := range r.Results {
		for _, s := range severity.All {
			counts := map[ipfam.Family]int64{}
			for _, f := range result.Findings {
				if f.Severity == s && f.counts() {
					counts[f.Family]++
				}
			}
			for _, f := range append(ipfam.All[:], 0) {
				if n := counts[f]; n > 0 {
					m.add(n, "check", result.ID, "name", result.Name, "severity", s.String(), "family", familyLabel(f))
				}
			}
		}
	}
	return m
}

func familyLabel(f ipfam.Family) string {
	if !f.Valid() {
		return ""
	}
	return f.String()
}

// checkCounts has a sample for each status, also for those that no check has: an
// alert on skipped checks then has something to look at.
func (r *Report) checkCounts() metric {
	m := metric{name: "dualstack_checks", help: "Checks of the last audit by their status."}
	for _, status := range []checks.Status{checks.Passed, checks.Failing, checks.Skipped, checks.Unknown} {
		var n int64
		for _, result := range r.Results {
			if result.Status == status {
				n++
			}
		}
		m.add(n, "status", string(status))
	}
	return m
}

func (m metric) write(out *bytes.Buffer) {
	if len(m.samples) == 0 {
		return
	}
	fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", m.name, m.help, m.name)
	for _, s := range m.samples {
		var labels []string
		for i := 0; i < len(s.labels); i += 2 {
			labels = append(labels, s.labels[i]+`="`+labelValue(s.labels[i+1])+`"`)
		}
		out.WriteString(m.name)
		if len(labels) > 0 {
			out.WriteString("{" + strings.Join(labels, ",") + "}")
		}
		fmt.Fprintf(out, " %d\n", s.value)
	}
}

// labelValue is a value as it stands between quotes. Newlines are visible already.
func labelValue(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(Escape(s))
}
