package plan

import "strings"

// nearest is the name of fields that was probably meant by word; empty when
// none is near.
func nearest(word string, fields form) string {
	const farthest = 2
	if len(word) > 40 {
		return ""
	}
	best, name := farthest+1, ""
	for _, f := range fields {
		d := distance(strings.ToLower(word), strings.ToLower(f.name))
		if d < best && d < len(f.name)/2+1 {
			best, name = d, f.name
		}
	}
	return name
}

// distance is the number of letters to insert, drop or exchange that makes b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
