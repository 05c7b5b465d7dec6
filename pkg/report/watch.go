package report

import (
	"io"
	"time"
)

// WriteWatched prints what of the findings that count is new and what is gone between two
// reports of the same checks: nothing when nothing has changed.
func WriteWatched(w io.Writer, before, after *Report, s Style) error {
	p := newPrinter(s)
	fresh, gone := after.without(before), before.without(after)
	if len(fresh)+len(gone) == 0 {
		return nil
	}
	p.line("")
	p.linef("%s  %d new, %d gone", after.Source.ReadAt.Format(time.DateTime), len(fresh), len(gone))
	for _, line := range []struct {
		sign  string
		which []told
	}{{"+", fresh}, {"-", gone}} {
		for _, f := range line.which {
			p.short(line.sign+" ", f.id, f.finding)
		}
	}
	p.totals(after)
	return p.flush(w)
}

type told struct {
	id      string
	finding Finding
}

// without is the findings of r that count and that other has not.
func (r *Report) without(other *Report) (list []told) {
	has := map[string]bool{}
	for _, result := range other.Results {
		for i, fingerprint := range result.Fingerprints() {
			has[fingerprint] = has[fingerprint] || result.Findings[i].counts()
		}
	}
	for _, result := range r.Results {
		for i, fingerprint := range result.Fingerprints() {
			if f := result.Findings[i]; f.counts() && !has[fingerprint] {
				list = append(list, told{result.ID, f})
			}
		}
	}
	return list
}
